#!/usr/bin/env python3
"""Sends payments on one card, small ones and then a large one, and prints the matches that come of it.

    send_and_listen.py ADDRESS [TOKEN]        send_and_listen.py tcp:127.0.0.1:7070
"""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).parent.parent / "python"))

import tocsin  # noqa: E402  (beside the examples, unless it is installed)


def main(address, token=None):
    types = {"Payment": {"card": "string", "amount": "float", "at": "time"}}
    client = tocsin.Client("python example", address, types=types, token=token)
    client.subscribe()
    for second, amount in enumerate([1.0, 1.5, 0.5, 900.0], start=1):
        client.send("Payment", card="4711", amount=amount, at=second * 1_000_000_000)
    client.close()
    for number, sentence in client.rejections:
        print(f"event {number}: {sentence}", file=sys.stderr)
    print(f"sent {client.acknowledged}, rejected {client.rejected}")
    for match in client.matches():
        print(match.rule, match.fields)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:3])
    except tocsin.Error as error:
        sys.exit(f"send_and_listen: {error}")
