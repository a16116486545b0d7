#!/usr/bin/env python3
"""
    bus.py SOCKET list [-v]
    bus.py SOCKET call PATH METHOD [JSON]       prints the answer; ends with the status
    bus.py SOCKET send EVENT [JSON]
    bus.py SOCKET listen [PATTERN...]           one JSON a line, until it is ended
    bus.py SOCKET subscribe PATH
"""
import json
import sys

import wire

TYPES = {wire.NULL: "any", wire.ARRAY: "array", wire.TABLE: "table", wire.STRING: "string", wire.INT64: "integer",
         wire.INT32: "integer", wire.INT16: "integer", wire.BOOL: "boolean", wire.DOUBLE: "number"}


def show_list(client, verbose):
    for path, signature in client.objects().items():
        print(path)
        for method, arguments in signature.items() if verbose else ():
            print(f"\t{method}", json.dumps({name: TYPES.get(kind, "?") for name, kind in arguments.items()}))


def call(client, path, method, arguments="{}"):
    try:
        answer = client.call(path, method, json.loads(arguments))
    except wire.Failed as failure:
        if isinstance(failure, wire.FailedWith):
            print(json.dumps(failure.data))
        return failure.status
    if answer is not None:
        print(json.dumps(answer))
    return 0


def follow(client):
    while True:
        _, name, data = client.next_invoke()
        print(json.dumps({name: data}), flush=True)


def main(path, verb, *words):
    client = wire.Client(path, None if verb in ("listen", "subscribe") else 30)
    if verb == "list":
        show_list(client, "-v" in words)
    elif verb == "call":
        return call(client, *words)
    elif verb == "send":
        client.event(words[0], json.loads(words[1]) if len(words) > 1 else {})
    elif verb == "listen":
        client.listen(*(words or ("*",)))
        follow(client)
    elif verb == "subscribe":
        client.subscribe(words[0])
        follow(client)
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]) if len(sys.argv) > 2 else print(__doc__) or 2)
    except KeyboardInterrupt:
        sys.exit(0)
