/* Sends payments on one card, small ones and then a large one, and says how many the server took.
 *
 *   send ADDRESS [TOKEN]        send unix:/run/tocsin.sock
 *
 * The rules must declare `event Payment { card: string, amount: float, at: time @timestamp }`; other fields may be
 * null. */
#include <inttypes.h>
#include <stdio.h>

#include <tocsin.h>

static int failed(tocsin_client* client) {
  fprintf(stderr, "send: %s\n", tocsin_error(client));
  tocsin_free(client);
  return 1;
}

int main(int argc, char** argv) {
  const double amounts[] = {1.0, 1.5, 0.5, 900.0};
  tocsin_client* client = tocsin_new("send example");
  tocsin_counts counts;
  const char* sentence;
  uint64_t number;
  int payment, card, amount, at, i;

  if (client == NULL || argc < 2) {
    fprintf(stderr, "usage: send ADDRESS [TOKEN]\n");
    tocsin_free(client);
    return 2;
  }
  if (argc > 2) tocsin_set_token(client, argv[2]);
  payment = tocsin_declare(client, "Payment");
  card = tocsin_field(client, payment, "card", "string");
  amount = tocsin_field(client, payment, "amount", "float");
  at = tocsin_field(client, payment, "at", "time");
  if (tocsin_connect(client, argv[1]) != TOCSIN_OK) return failed(client);

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
