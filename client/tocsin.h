/* The client library of Tocsin: sends events to a running `tocsin run`, and gets its matches. The protocol is
 * docs/protocol.md. Link with -ltocsin-client (pkg-config tocsin-client, or find_package(tocsin-client)).
 *
 *   tocsin_client* client = tocsin_new("till 7");
 *   int payment = tocsin_declare(client, "Payment");
 *   int card = tocsin_field(client, payment, "card", "string");
 *   int at = tocsin_field(client, payment, "at", "time");
 *   if (tocsin_connect(client, "unix:/run/tocsin.sock") != TOCSIN_OK) puts(tocsin_error(client));
 *   tocsin_begin(client, payment);
 *   tocsin_set_string(client, card, "4711", 4);
 *   tocsin_set_int(client, at, now_ns);
 *   tocsin_commit(client);
 *   tocsin_close(client);
 *   tocsin_free(client);
 *
 * Threads: the library has none, and no global state. A client belongs to one thread at a time; different
 * clients know nothing of each other. So nothing happens between calls: a client that has nothing to send calls
 * tocsin_poll or tocsin_flush now and then, which also send heartbeats and take acknowledgements.
 *
 * Errors: functions that can fail return a tocsin_status, or a negative number where they give one; after
 * it tocsin_error() is a sentence. After TOCSIN_REFUSED, TOCSIN_CLOSED, TOCSIN_BROKEN and TOCSIN_PROTOCOL the
 * connection is gone: free the client, and make another to connect again.
 *
 * Text is UTF-8, with its length where it is a value and zero-terminated where it is a name. Times are in ns
 * since 1970. Time limits are in ms; 0 asks without waiting, a negative number waits for ever. */
#ifndef TOCSIN_H
#define TOCSIN_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TOCSIN_API __attribute__((visibility("default")))
#else
#define TOCSIN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef enum tocsin_status {
  TOCSIN_OK = 0,
  TOCSIN_TIMEOUT = -1,   /* not yet: call again; nothing is lost */
  TOCSIN_INVALID = -2,   /* an argument, or a call at this time, that can't be; nothing has changed */
  TOCSIN_REFUSED = -3,   /* the server did not take the connection: tocsin_error_code() says why */
  TOCSIN_CLOSED = -4,    /* the server ended the connection: tocsin_error_code() says why */
  TOCSIN_BROKEN = -5,    /* no connection, or it broke */
  TOCSIN_PROTOCOL = -6,  /* the server sent what this library does not understand */
  TOCSIN_NO_MEMORY = -7
} tocsin_status;

/* What a value is. */
typedef enum tocsin_kind {
  TOCSIN_NULL = 0,
  TOCSIN_BOOL,     /* integer: 0 or 1 */
  TOCSIN_INT,      /* integer */
  TOCSIN_FLOAT,    /* number */
  TOCSIN_STRING,   /* text, size in bytes */
  TOCSIN_TIME,     /* integer: ns since 1970 */
  TOCSIN_DURATION, /* integer: ns */
  TOCSIN_ENUM,     /* integer: index of the label; text, size: the label */
  TOCSIN_ARRAY     /* size: number of elements, see tocsin_element() */
} tocsin_kind;

typedef struct tocsin_client tocsin_client;
/* A match, and an event of one: views that the next call with their client ends, except for the functions that
 * take these views themselves. */
typedef struct tocsin_match tocsin_match;
typedef struct tocsin_event tocsin_event;

typedef struct tocsin_value {
  tocsin_kind kind;
  tocsin_kind element; /* of an array */
  int64_t integer;
  double number;
  const char* text; /* not terminated */
  size_t size;
  const void* data; /* the library's own */
} tocsin_value;

/* --- a client ------------------------------------------------------------------------------------------- */

/* Of the library, as "0.1.0". */
TOCSIN_API const char* tocsin_version(void);

/* A client that is not connected yet. `name` is what the server's logs call it. NULL where there is no memory. */
TOCSIN_API tocsin_client* tocsin_new(const char* name);
/* Ends the connection without ceremony where it is still there, and frees everything. NULL is allowed. */
TOCSIN_API void tocsin_free(tocsin_client* client);

/* What went wrong in the last call that failed: a sentence, or "". Valid until the next call. */
TOCSIN_API const char* tocsin_error(const tocsin_client* client);
/* The protocol's code after TOCSIN_REFUSED and TOCSIN_CLOSED ("schema", "token", "shutdown", …), else "". */
TOCSIN_API const char* tocsin_error_code(const tocsin_client* client);

/* Before tocsin_connect: the token, where the server asks for one. */
TOCSIN_API tocsin_status tocsin_set_token(tocsin_client* client, const char* token);
/* How long connecting, subscribing, closing, and a commit or watermark that must send may take; 5,000 ms if
 * not set. */
TOCSIN_API tocsin_status tocsin_set_timeout(tocsin_client* client, int timeout_ms);
/* Before tocsin_connect: silent for so long, this client stops holding event time back until its next event. */
TOCSIN_API tocsin_status tocsin_set_source_idle(tocsin_client* client, int64_t idle_ms);

typedef struct tocsin_tls {
  const char* ca_file;          /* PEM: who may have signed the server's certificate; NULL: whom the system trusts */
  const char* certificate_file; /* PEM with its chain, for a server that asks for one; NULL: none */
  const char* key_file;         /* PEM: its private key, without a passphrase; NULL: it is in certificate_file */
  const char* server_name;      /* that the server's certificate must have; NULL: the host of the address */
  int unverified;               /* not 0: any server is taken for the right one, whatever certificate it shows */
} tocsin_tls;

/* Before tocsin_connect, for a `tls:HOST:PORT` address; members that are 0 have the meaning above. Such an address can
 * do without this call: then all of them are 0. The files are read as it connects. */
TOCSIN_API tocsin_status tocsin_set_tls(tocsin_client* client, const tocsin_tls* tls);

/* What a client with a ring does where it has to wait: sleep, after a short while of trying; or give way, or spin, all
 * the time, which costs a core and saves the microseconds of waking up. */
typedef enum tocsin_idle { TOCSIN_SLEEP = 0, TOCSIN_YIELD, TOCSIN_SPIN } tocsin_idle;

/* Before tocsin_connect: events and matches shall go through rings in memory that is shared with a server on the same
 * machine, and not over the socket; that costs no system call while both sides are busy. Connect to a `unix:` address
 * then. `ring_bytes` is the size of each of the two rings, 0 the server's default; it is rounded up to a power of two,
 * and a server refuses more than its limit. An event must be smaller than the ring. */
TOCSIN_API tocsin_status tocsin_use_ring(tocsin_client* client, uint64_t ring_bytes, tocsin_idle idle);

/* Before tocsin_connect: an event type that will be sent. Returns its number, from 0, or a negative status. */
TOCSIN_API int tocsin_declare(tocsin_client* client, const char* type);
/* Adds a field, by its type as rule files write it: "string", "float?", "enum(buy, sell)", "int[]". Returns its
 * number in that type, from 0, or a negative status. Fields of the rules' type that can be null may be left out. */
TOCSIN_API int tocsin_field(tocsin_client* client, int type, const char* name, const char* field_type);

/* Connects to `tcp:HOST:PORT`, `tls:HOST:PORT` or `unix:PATH` and agrees on the types. Looking up a host's name may take
 * longer than the time limit. */
TOCSIN_API tocsin_status tocsin_connect(tocsin_client* client, const char* address);

/* The socket, for poll(2) by others: where it is readable, tocsin_poll has something to do. Of matches that come by a
 * ring it knows nothing. -1 where not connected. */
TOCSIN_API int tocsin_descriptor(const tocsin_client* client);

/* --- events --------------------------------------------------------------------------------------------- */

/* Begins an event of a declared type; one that was begun and not committed is forgotten. Fields that are not set
 * are null. The setters are constant time but for the bytes copied; TOCSIN_INVALID where the field is of another
 * type. They may be called in any order; a field set twice keeps the last value. */
TOCSIN_API tocsin_status tocsin_begin(tocsin_client* client, int type);
/* int, time or duration. */
TOCSIN_API tocsin_status tocsin_set_int(tocsin_client* client, int field, int64_t value);
/* A finite number. */
TOCSIN_API tocsin_status tocsin_set_float(tocsin_client* client, int field, double value);
TOCSIN_API tocsin_status tocsin_set_bool(tocsin_client* client, int field, int value);
/* A string, or an enum by its label. */
TOCSIN_API tocsin_status tocsin_set_string(tocsin_client* client, int field, const char* text, size_t size);
/* An array of int, time or duration; of float; of bool (0 or not); of string. */
TOCSIN_API tocsin_status tocsin_set_ints(tocsin_client* client, int field, const int64_t* values, size_t count);
TOCSIN_API tocsin_status tocsin_set_floats(tocsin_client* client, int field, const double* values, size_t count);
TOCSIN_API tocsin_status tocsin_set_bools(tocsin_client* client, int field, const unsigned char* values,
                                          size_t count);
TOCSIN_API tocsin_status tocsin_set_strings(tocsin_client* client, int field, const char* const* texts,
                                            const size_t* sizes, size_t count);

/* Finishes the event: it is in the batch now, which is sent when it has gathered some, or by tocsin_flush.
 * TOCSIN_INVALID where a field lacks that can't be null: the event is forgotten. Where a full batch could not be
 * sent in time: TOCSIN_TIMEOUT, and the event is forgotten too. Allocates nothing once buffers have grown. */
TOCSIN_API tocsin_status tocsin_commit(tocsin_client* client);
/* Sends what was committed, waiting where the server has not acknowledged enough to take more. */
TOCSIN_API tocsin_status tocsin_flush(tocsin_client* client, int timeout_ms);
/* The same, and waits until the server has acknowledged all of it. */
TOCSIN_API tocsin_status tocsin_wait_acknowledged(tocsin_client* client, int timeout_ms);
/* Tells the server that this client has come to a time without an event, behind all that was committed. */
TOCSIN_API tocsin_status tocsin_watermark(tocsin_client* client, int64_t time_ns);

typedef struct tocsin_counts {
  uint64_t committed;    /* events, which are numbered in this order from 1 */
  uint64_t sent;         /* of these */
  uint64_t acknowledged; /* of these, rejected ones included */
  uint64_t rejected;     /* of these */
  uint64_t matches;      /* that tocsin_poll has given */
  uint64_t dropped;      /* matches that this subscriber was too slow for, says the server */
} tocsin_counts;

/* As far as is known without waiting. */
TOCSIN_API void tocsin_get_counts(const tocsin_client* client, tocsin_counts* counts);
/* Takes the oldest rejection that was told and not yet taken: the event's number and why, valid until the next
 * call. 0 where there is none. The server tells a part of them, and the last 1,000 told are kept. */
TOCSIN_API int tocsin_next_rejection(tocsin_client* client, uint64_t* number, const char** sentence);

/* --- matches -------------------------------------------------------------------------------------------- */

/* What the server does where this client is too slow and its queue there is full. */
typedef enum tocsin_policy {
  TOCSIN_SERVER_DEFAULT = 0, /* as it is set (net.slow_subscriber) */
  TOCSIN_DROP_OLDEST,        /* it forgets the oldest matches */
  TOCSIN_BLOCK,              /* it takes no more events, from anyone, until there is room */
  TOCSIN_DISCONNECT          /* it ends the connection */
} tocsin_policy;

typedef struct tocsin_subscription {
  const char* const* rules; /* names; NULL: all */
  size_t rule_count;
  const char* const* types; /* emitted ones; NULL: all, and matches without one */
  size_t type_count;
  tocsin_policy policy;
  uint64_t queue_bytes; /* at the server; 0: its default */
  int with_events;      /* not only the numbers of a match's events */
} tocsin_subscription;

/* Subscribes, in place of an earlier subscription; NULL: to everything. */
TOCSIN_API tocsin_status tocsin_subscribe(tocsin_client* client, const tocsin_subscription* subscription);

/* Waits for the next match. TOCSIN_TIMEOUT where none came. TOCSIN_CLOSED only when all that came before were
 * given. What was committed is sent meanwhile, as far as the server takes it. */
TOCSIN_API tocsin_status tocsin_poll(tocsin_client* client, int timeout_ms, const tocsin_match** match);

/* Rule, time, number of the last event, ordinal and the timeout flag name one match. */
TOCSIN_API const char* tocsin_match_rule(const tocsin_match* match);
TOCSIN_API int64_t tocsin_match_time(const tocsin_match* match);
TOCSIN_API uint64_t tocsin_match_trigger(const tocsin_match* match);
TOCSIN_API uint32_t tocsin_match_ordinal(const tocsin_match* match);
/* 1 where it is no match, but a run that its bound ended unfinished. */
TOCSIN_API int tocsin_match_is_timeout(const tocsin_match* match);
/* 1 where it was too large for a frame, and something was left out. */
TOCSIN_API int tocsin_match_is_cut(const tocsin_match* match);
/* The emitted event, or NULL. */
TOCSIN_API const tocsin_event* tocsin_match_emitted(const tocsin_match* match);
/* How many events it lists; of each its number and the name of its step ("" where that has none); where they were
 * asked for, itself, else NULL. `index` must be below the number. */
TOCSIN_API size_t tocsin_match_size(const tocsin_match* match);
TOCSIN_API uint64_t tocsin_match_number(const tocsin_match* match, size_t index);
TOCSIN_API const char* tocsin_match_step(const tocsin_match* match, size_t index);
TOCSIN_API const tocsin_event* tocsin_match_event(const tocsin_match* match, size_t index);

TOCSIN_API const char* tocsin_event_type(const tocsin_event* event);
TOCSIN_API int64_t tocsin_event_time(const tocsin_event* event);
TOCSIN_API size_t tocsin_event_size(const tocsin_event* event);
/* `field` must be below the size. */
TOCSIN_API const char* tocsin_event_field(const tocsin_event* event, size_t field);
TOCSIN_API tocsin_value tocsin_event_value(const tocsin_event* event, size_t field);
/* The field of this name; kind TOCSIN_NULL where it is null, or where there is none. Linear in the fields. */
TOCSIN_API tocsin_value tocsin_event_get(const tocsin_event* event, const char* name);
/* Element `index`, below `array.size`. */
TOCSIN_API tocsin_value tocsin_element(tocsin_value array, size_t index);

/* Names of the rules that run, as WELCOME or the last SUBSCRIBED told them: `index` from 0; NULL behind the last. */
TOCSIN_API const char* tocsin_rule(const tocsin_client* client, size_t index);

/* --- the end -------------------------------------------------------------------------------------------- */

/* Sends what was committed, says BYE, and waits until the server has taken everything and says so too. What
 * matches come meanwhile tocsin_poll gives afterwards. TOCSIN_OK where all was acknowledged. */
TOCSIN_API tocsin_status tocsin_close(tocsin_client* client);

#ifdef __cplusplus
}
#endif

#endif
