/*
 * What the bench's own parts share among themselves: usbmuxd, life cycle, lockdown, pairing, services, control socket.
 * mobilebackup2 and the content need only sim.h.
 *
 * Locks, always taken in this order: a device's lock, then the bench's lock. A connection is served by one thread;
 * others only shut its socket down.
 */
#ifndef PHONESIM_PARTS_H
#define PHONESIM_PARTS_H

#include "sim.h"
#include "system.h"

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdatomic.h>

#define SIM_MAX_DEVICES  128
#define SIM_MAX_PORTS    96
#define SIM_MAX_PAIRINGS 32
#define LOCKDOWN_PORT    62078

struct mux_conn;
struct sim {
    char state_dir[512];            /* pair records as the daemon keeps them, and what does not fit into memory */
    bool keep_state, verbose, runs; /* runs: a command of its own, with which it ends */
    json_t *scenario;
    struct sim_device *devices[SIM_MAX_DEVICES];
    int device_count;
    struct sim_address mux_address, control_address;
    atomic_bool ending, daemon_up;
    pthread_mutex_t lock;
    /* Guarded by lock. */
    struct mux_conn *conns;
    uint32_t next_mux_id;
    char buid[40];
    int listen_fd;
};

/* One host that the device knows. */
struct sim_pairing {
    char host_id[64], buid[64];
    X509 *root, *device_cert;
    unsigned char escrow[32];
    SSL_CTX *tls;
};

/* A port that StartService opened: good for one connection. */
typedef void sim_serve_fn(struct sim_stream *stream);
struct sim_service;
struct sim_port {
    uint16_t number;
    const struct sim_service *service;
    int pairing; /* index of the session's pairing; -1: none */
    bool tls;
    int64_t opened_ms;
};

struct np_client;
struct afc_node;
struct afc_lock;

/* A device's parts that only the bench's own files use; guarded by the device's lock unless said otherwise. */
struct sim_own {
    int index;
    struct sim_stream *streams;
    struct sim_port ports[SIM_MAX_PORTS];
    int port_count;
    uint16_t next_port;
    struct sim_pairing pairings[SIM_MAX_PAIRINGS];
    int pairing_count;
    EVP_PKEY *key; /* made when first needed */
    bool trusted_by_scenario;
    bool record_pending; /* the scenario says trusted; the pair record is made when someone first asks */
    unsigned char challenge[32];
    bool challenge_open;
    bool escalate_open, escalated;
    unsigned char escalate_challenge[32];
    bool usb_blocked;
    bool backup_running;
    bool rebooting;
    uint64_t sent, received; /* bytes through all tunnels */
    json_t *messages;        /* every point where a fault can act, in order, bounded: ["service message"] */
    int faults_fired;
    char last_fault[128]; /* where the latest acted */
    json_t *apps;
    json_t *profiles_wanted; /* the scenario's "mdm" object, for kitting by hand */
    plist_t values;          /* SetValue: domain -> key -> value */
    plist_t stored_profiles; /* StoreProfile: purpose -> data */
    char supervisor_digests[8][65];
    plist_t supervisor_certificates; /* array of DER data */
    pthread_mutex_t np_lock;
    struct np_client *observers; /* guarded by np_lock */
    pthread_mutex_t afc_lock;
    struct afc_node *afc_nodes; /* guarded by afc_lock */
    struct afc_lock *afc_locks;
};

/* Services that lockdown starts. */
enum sim_needs {
    NEEDS_SESSION = 1,
    NEEDS_ACTIVATED = 2,
    NEEDS_UNLOCKED_ONCE = 4,
    WITHOUT_SESSION = 8, /* insecure: no session, refused while locked */
    ONE_AT_A_TIME = 16,
    NEVER_TLS = 32
};
struct sim_service {
    const char *name;
    sim_serve_fn *serve;
    int needs;
};
const struct sim_service *sim_service_find(const char *name);
extern const struct sim_service sim_lockdown_service;

/* main.c, util.c */
bool sim_address_parse(const char *text, struct sim_address *out);
void sim_log(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t sim_now_ms(void);
void sim_thread(void *(*run)(void *), void *arg);
void sim_nap(int64_t ms);
void sim_copy(char *dst, size_t size, const char *src);

/* plists.c */
const char *sim_str(plist_t dict, const char *key);                    /* NULL: absent or not a string */
const char *sim_data(plist_t dict, const char *key, uint64_t *length); /* NULL: absent or not data */
bool sim_true(plist_t dict, const char *key);
bool sim_uint(plist_t dict, const char *key, uint64_t *out);
void sim_put_str(plist_t dict, const char *key, const char *value); /* nothing when value is NULL */
void sim_put_bool(plist_t dict, const char *key, bool value);
void sim_put_uint(plist_t dict, const char *key, uint64_t value);
void sim_put_data(plist_t dict, const char *key, const void *data, size_t size);
plist_t sim_from_json(const json_t *json);
json_t *sim_to_json(plist_t plist);
bool sim_is(plist_t node, plist_type type);

/* scenario.c: makes the devices; says why not in why. */
plist_t sim_profile_metadata(const json_t *mdm); /* {"identifier","name","organization",...} as GetProfileList has it */
bool sim_scenario_load(struct sim *sim, const char *path, char *why, size_t why_size);

/* device.c: life cycle. The device's lock must not be held. */
void sim_attach(struct sim_device *dev);
void sim_detach(struct sim_device *dev);
struct sim_device *sim_find(struct sim *sim, const char *name);
void sim_stream_join(struct sim_stream *stream); /* into and out of the device's list */
void sim_stream_leave(struct sim_stream *stream);
void sim_install_mdm(struct sim_device *dev, plist_t profile); /* lock held; takes profile */
void sim_wipe(struct sim_device *dev);                         /* lock held */
bool sim_is_locked(const struct sim_device *dev);              /* lock held */
bool sim_os_at_least(const struct sim_device *dev, int major, int minor);

/* stream.c */
struct sim_stream *sim_stream_new(struct sim_device *dev, int fd, const char *service);
void sim_stream_free(struct sim_stream *stream);
bool sim_stream_tls(struct sim_stream *stream, SSL_CTX *ctx);
void sim_stream_clear(struct sim_stream *stream); /* back from TLS to clear */
void sim_stream_end(struct sim_stream *stream);   /* shuts the socket down: any thread */
/* 1: bytes to read; 2: other_fd is readable; 0: time is up; -1: the link has ended. Flushes first. */
int sim_stream_wait(struct sim_stream *stream, int other_fd, int64_t ms);
bool sim_stream_closed_by_host(struct sim_stream *stream); /* after a failed read: a proper end of TLS */
bool sim_stream_raw(struct sim_stream *stream, const void *data, size_t size); /* past the buffer and the faults */
void sim_stream_slow(struct sim_stream *stream, int64_t bytes_per_second);
void sim_stream_silence(struct sim_stream *stream, int64_t seconds);
const char *sim_stream_service(struct sim_stream *stream);
bool sim_stream_host_is_there(struct sim_stream *stream); /* its program has not closed it, nor died */
int sim_stream_pairing(struct sim_stream *stream);
void sim_stream_set_pairing(struct sim_stream *stream, int pairing);
struct sim_stream **sim_stream_next(struct sim_stream *stream);

/* fault.c */
bool sim_fault_parse(const json_t *json, struct sim_fault *out, char *why, size_t why_size);
bool sim_fault_add(struct sim_device *dev, const struct sim_fault *fault);
struct sim_fault *sim_fault_by_bytes(struct sim_device *dev, const char *service, int64_t from, int64_t to);
enum sim_fault_effect sim_fault_do(struct sim_stream *stream, struct sim_fault *fault);

/* mux.c */
bool sim_mux_start(struct sim *sim);
void sim_mux_stop(struct sim *sim);
void sim_mux_attached(struct sim_device *dev, bool attached); /* gives or takes the DeviceID and tells listeners */
void sim_mux_paired(struct sim_device *dev);
int sim_mux_listeners(struct sim *sim);
void sim_record_path(struct sim *sim, const char *udid, char *out, size_t size);
bool sim_record_save(struct sim *sim, const char *udid, const void *data, size_t size);

/* keys.c, certs.c, pair.c */
EVP_PKEY *sim_key_make(int index);                     /* RSA 2048, another for each index below 153 */
EVP_PKEY *sim_device_key(struct sim_device *dev);      /* lock held */
plist_t sim_device_public_pem(struct sim_device *dev); /* lock held; data node */
plist_t sim_pair_answer(struct sim_device *dev, const char *verb, plist_t request); /* lock held; the whole reply */
int sim_pairing_find(struct sim_device *dev, const char *host_id);                  /* lock held; -1: unknown */
SSL_CTX *sim_pairing_tls(struct sim_device *dev, int pairing);                      /* lock held; up-referenced */
void sim_pairings_forget(struct sim_device *dev);                                   /* lock held */
void sim_host_record_make(struct sim_device *dev); /* lock held: pairs the host's record store with the device */
bool sim_cms_verify(struct sim_device *dev, const char *der, size_t size, const unsigned char challenge[32]);
bool sim_supervisor_known(struct sim_device *dev, const char *der, size_t size);

/* values.c */
plist_t sim_value_get(struct sim_device *dev, bool session, const char *domain, const char *key, const char **error);
const char *sim_value_set(struct sim_device *dev, bool session, const char *domain, const char *key, plist_t value);

/* services */
void sim_serve_lockdown(struct sim_stream *stream);
void sim_serve_np(struct sim_stream *stream);
void sim_serve_np_insecure(struct sim_stream *stream);
void sim_serve_afc(struct sim_stream *stream);
void sim_serve_instproxy(struct sim_stream *stream);
void sim_serve_springboard(struct sim_stream *stream);
void sim_serve_mcinstall(struct sim_stream *stream);
void sim_serve_diagnostics(struct sim_stream *stream);
void sim_serve_activation(struct sim_stream *stream);
void sim_serve_heartbeat(struct sim_stream *stream);
void sim_serve_misagent(struct sim_stream *stream);
void sim_afc_init(struct sim_device *dev);
void sim_np_post(struct sim_device *dev, const char *name, bool insecure_too);

/* The devices' content, beside what sim.h has. */
int sim_content_change(struct sim_device *dev, int n);
json_t *sim_content_state(struct sim_device *dev);

/* lines.c: JSON, one a line, over a socket. */
struct sim_lines {
    int fd;
    char *data;
    size_t used, room, given;
};
char *sim_line_read(struct sim_lines *lines); /* without its end; good until the next call. NULL: no more */
bool sim_line_write(struct sim_lines *lines, const json_t *json);
void sim_lines_close(struct sim_lines *lines);

/* control.c, ctl.c */
bool sim_control_start(struct sim *sim);
json_t *sim_json_at(json_t *root, const char *path); /* borrowed; NULL: nothing there */
int sim_ctl(int argc, char **argv);
int sim_json_pick(const char *path);
json_t *sim_device_state(struct sim_device *dev);
/* operator.c: the operator's hand; NULL when done, else why not. */
const char *sim_operator(struct sim_device *dev, const char *what, const char *arg);
bool sim_operator_knows(const char *what);
#endif
