/* Sends payments on one card, small ones and then a large one, and says how many the server took.
 *
 *   send [OPTIONS] ADDRESS [TOKEN]        send unix:/run/tocsin.sock
 *                                         send --ring unix:/run/tocsin.sock
 *                                         send --ca ca.pem tls:tocsin.example:7070
 *
 * --ring sends through shared memory. Of TLS: --ca FILE, --cert FILE, --key FILE, --name NAME are the authorities, the
 * client's own certificate and key, and the server's name where it is not that of the address.
 *
 * The rules must declare `event Payment { card: string, amount: float, at: time @timestamp }`; other fields may be
 * null. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tocsin.h>

static int failed(tocsin_client* client) {
  fprintf(stderr, "send: %s\n", tocsin_error(client));
  tocsin_free(client);
  return 1;
}

/* Takes the options. Returns the index of the first argument behind them, or -1. */
static int take_options(tocsin_client* client, int argc, char** argv) {
  tocsin_tls tls = {NULL, NULL, NULL, NULL, 0};
  const char** file;
  int i, has_tls = 0;

  for (i = 1; i < argc && argv[i][0] == '-'; ++i) {
    if (strcmp(argv[i], "--ring") == 0) {
      tocsin_use_ring(client, 0, TOCSIN_SLEEP);
      continue;
    }
    file = strcmp(argv[i], "--ca") == 0     ? &tls.ca_file
           : strcmp(argv[i], "--cert") == 0 ? &tls.certificate_file
           : strcmp(argv[i], "--key") == 0  ? &tls.key_file
           : strcmp(argv[i], "--name") == 0 ? &tls.server_name
                                            : NULL;
    if (file == NULL || ++i == argc) return -1;
    *file = argv[i];
    has_tls = 1;
  }
  if (has_tls) tocsin_set_tls(client, &tls);
  return i < argc ? i : -1;
}

int main(int argc, char** argv) {
  const double amounts[] = {1.0, 1.5, 0.5, 900.0};
  tocsin_client* client = tocsin_new("send example");
  tocsin_counts counts;
  const char* sentence;
  uint64_t number;
  int payment, card, amount, at, i, first;

  if (client == NULL || (first = take_options(client, argc, argv)) < 0) {
    fprintf(stderr, "usage: send [--ring] [--ca FILE] [--cert FILE] [--key FILE] [--name NAME] ADDRESS [TOKEN]\n");
    tocsin_free(client);
    return 2;
  }
  if (argc > first + 1) tocsin_set_token(client, argv[first + 1]);
  payment = tocsin_declare(client, "Payment");
  card = tocsin_field(client, payment, "card", "string");
  amount = tocsin_field(client, payment, "amount", "float");
  at = tocsin_field(client, payment, "at", "time");
  if (tocsin_connect(client, argv[first]) != TOCSIN_OK) return failed(client);

  for (i = 0; i < 4; ++i) {
    tocsin_begin(client, payment);
    tocsin_set_string(client, card, "4711", 4);
    tocsin_set_float(client, amount, amounts[i]);
    tocsin_set_int(client, at, (int64_t)(i + 1) * 1000000000);
    if (tocsin_commit(client) != TOCSIN_OK) return failed(client);
  }
  if (tocsin_close(client) != TOCSIN_OK) return failed(client);

  while (tocsin_next_rejection(client, &number, &sentence)) fprintf(stderr, "event %" PRIu64 ": %s\n", number, sentence);
  tocsin_get_counts(client, &counts);
  printf("sent %" PRIu64 ", rejected %" PRIu64 "\n", counts.acknowledged, counts.rejected);
  tocsin_free(client);
  return counts.rejected == 0 ? 0 : 1;
}
