"""What the tests of the Python client run: python_client.py CASE ADDRESS. Prints what came of it."""

import datetime
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "client" / "python"))

import tocsin  # noqa: E402

PAYMENT = {"at": "time", "card": "string", "amount": "float"}


def attempt(action):
    try:
        action()
    except tocsin.Error as error:
        print(f"{type(error).__name__}: {error}" + (f" [{error.code}]" if error.code else ""))


def every_kind(address):
    fields = {
        "b": "bool", "i": "int", "f": "float", "s": "string", "t": "time", "d": "duration", "e": "enum(buy, sell)",
        "en": "enum(buy, sell)?", "bs": "bool[]", "fs": "float[]?", "is": "int[]", "ss": "string[]?",
    }  # fmt: skip
    with tocsin.Client("python", address, types={"All": fields}, token="s3cret") as client:
        at = datetime.datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=datetime.timezone.utc)
        good = {
            "b": True, "i": -(2**63), "f": -0.25, "s": "é", "t": at, "d": datetime.timedelta(seconds=-1), "e": "sell",
            "en": "buy", "bs": [True, False, True], "fs": [1.5], "is": [], "ss": ["a", "", "ccc"],
        }  # fmt: skip
        client.send("All", good)
        for name, wrong in (("i", 2**63), ("i", True), ("b", 1), ("f", float("nan")), ("f", "1"), ("s", 5), ("e", "hold"),
                            ("ss", "text"), ("is", [None]), ("s", None), ("x", 1), ("t", datetime.datetime.now())):  # fmt: skip
            attempt(lambda name=name, wrong=wrong: client.send("All", {**good, name: wrong}))
        attempt(lambda: client.send("Other"))
    print(client.committed, client.acknowledged, client.rejected)
    attempt(client.flush)


def many(address):
    with tocsin.Client("python", address, types={"Payment": PAYMENT}) as client:
        for i in range(20_000):
            client.send("Payment", card="x" * (i % 40), amount=i, at=i)
    print(client.acknowledged)


def window(address):
    with tocsin.Client("python", address, types={"Payment": PAYMENT}) as client:
        for i in range(5):
            client.send("Payment", card="A", amount=i, at=i)
        print(client.flush(0.05), client.acknowledged)
        print(client.wait_acknowledged(5), client.acknowledged, client.rejected, list(client.rejections))


def connect(address, timeout=10):
    attempt(lambda: tocsin.Client("python", address, types={"Payment": PAYMENT}, timeout=timeout))


def connect_quickly(address):
    connect(address, 0.3)


def matches(address):
    client = tocsin.Client("python", address)
    client.subscribe(rules=["first", "second"], policy="block", queue_bytes=4096, with_events=True)
    print(client.rules)
    attempt(lambda: [print(match) for match in iter(lambda: client.poll(5), None)])
    print(client.dropped)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2])
