/* Windows has all of it in one place. */
#ifndef SHUT_RDWR
#include <winsock2.h>
#include <ws2tcpip.h>

#define SHUT_RDWR SD_BOTH
#define SHUT_WR   SD_SEND
#define SHUT_RD   SD_RECEIVE
#endif
