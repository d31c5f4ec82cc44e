/* Only so that it compiles: tests with sockets in the file system are not registered on Windows. */
#ifndef KITBENCH_TESTS_WIN32_UN_H
#define KITBENCH_TESTS_WIN32_UN_H
struct sockaddr_un {
    unsigned short sun_family;
    char sun_path[108];
};
#endif
