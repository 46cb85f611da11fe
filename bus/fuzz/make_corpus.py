#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes frames for the tests and the fuzzer of the bus, one file each.

make_corpus.py DIR STAMP

bad-NNN-*: a broker refuses it as malformed (HPL20004E) once, when it is sent in this order behind
a HELLO by a service that may publish disk.checked. good-*: it is accepted.
"""
import os
import struct
import sys


def var(n):
    out = b''
    while n > 0x7f:
        out += bytes([n & 0x7f | 0x80])
        n >>= 7
    return out + bytes([n])


def num(field, value):
    return var(field << 3) + var(value)


def byt(field, data):
    return var(field << 3 | 2) + var(len(data)) + data


def rec(op, arg, body, length=None):
    return struct.pack('<B3xIQ', op, len(body) if length is None else length, arg) + body


published = 0


def pub(body):
    global published
    published += 1
    return rec(3, published, body)


def ev(version=1, topic=b'disk.checked', sev=1, extra=b'', payload=byt(31, num(1, 3)), text=b'ok'):
    return num(1, version) + byt(6, topic) + num(8, sev) + byt(9, text) + payload + extra


BAD = [
    ('empty frame',b''),
    ('one byte',b'\3'),
    ('header cut off',rec(3,1,b'')[:15]),
    ('body longer than the frame',rec(3,1,b'abc',4)),
    ('body length of 4 GiB',rec(3,1,b'',0xffffffff)),
    ('reserved bytes set',b'\3\1\0\0'+rec(3,1,b'')[4:]),
    ('second record cut off',rec(5,0,b'')+b'\5\0'),
    ('operation 0',rec(0,0,b'')),
    ('operation of the broker',rec(17,1,b'')),
    ('operation 255',rec(255,1,b'')),
    ('HELLO twice',rec(1,0,b'')),
    ('READY with a body',rec(2,0,b'x')),
    ('ACK with a body',rec(4,1,b'x')),
    ('publication number 0',rec(3,0,ev())),
    ('no event',pub(b'')),
    ('version 2',pub(ev(version=2))),
    ('no topic',pub(ev(topic=b''))),
    ('topic with capital letters',pub(ev(topic=b'Disk.checked'))),
    ('topic with a NUL',pub(ev(topic=b'disk.checked\0x'))),
    ('topic of 65 characters',pub(ev(topic=b'a'*65))),
    ('no severity',pub(ev(sev=0))),
    ('severity 9',pub(ev(sev=9))),
    ('text that is not UTF-8',pub(ev(text=b'\xff\xfe'))),
    ('text with a surrogate',pub(ev(text=b'\xed\xa0\x80'))),
    ('text of 4097 bytes',pub(ev(text=b'a'*4097))),
    ('message id of another form',pub(ev(extra=byt(7,b'ABC05001E')))),
    ('payload of another topic',pub(ev(payload=byt(17,b'')))),
    ('no payload',pub(ev(payload=b''))),
    ('two payloads',pub(ev(extra=byt(17,b'')))),
    ('topic twice',pub(ev(extra=byt(6,b'contract.valid')))),
    ('sequence written by a client',pub(ev(extra=num(2,77)))),
    ('source written by a client',pub(ev(extra=byt(5,b'contract')))),
    ('replay written by a client',pub(ev(extra=num(10,1)))),
    ('unknown field',pub(ev(extra=num(99,1)))),
    ('unknown field in the payload',pub(ev(payload=byt(31,num(9,1))))),
    ('wire type of another kind',pub(num(1,1)+num(6,5))),
    ('group',pub(ev(extra=var(9<<3|3)))),
    ('field number 0',pub(ev(extra=b'\0\0'))),
    ('varint without end',pub(ev(extra=b'\xff'*11))),
    ('length over the end',pub(ev(extra=var(7<<3|2)+var(100)+b'HPL'))),
    ('length of 2^63',pub(ev(extra=var(7<<3|2)+var(1<<63)))),
    ('4097 items',pub(num(1,1)+byt(6,b'contract.seeds')+num(8,1)+byt(22,byt(1,b'')*4097))),
    ('a blow-up in memory', pub(num(1,1)+byt(6,b'contract.seeds')+num(8,1)+byt(22,byt(1,byt(2,b''))*4096+byt(1,b'')*4096))),
    ('4097 records',rec(5,0,b'')*4097),
]

GOOD = [
    ('hello', rec(1, 0, b'')),
    ('event', rec(3, 1, ev())),
    ('three records', rec(2, 0, b'') + rec(3, 1, ev()) + rec(6, 1, b'')),
    ('event with utf-8', rec(3, 1, ev(text='\u00e9\u20ac\U0001f600'.encode()))),
    ('failure', rec(3, 1, num(1, 1) + byt(6, b'service.failed') + byt(7, b'HPL05001E') + num(8, 3) +
                    byt(16, byt(1, b'network') + byt(7, b'last words') + num(6, 9)))),
]


def main():
    where, stamp = sys.argv[1:3]
    os.makedirs(where, exist_ok=True)
    for old in os.listdir(where):
        os.unlink(os.path.join(where, old))
    for i, (what, frame) in enumerate(BAD):
        with open(f"{where}/bad-{i:03}-{what.replace(' ', '-')}", 'wb') as f:
            f.write(frame)
    for what, frame in GOOD:
        with open(f"{where}/good-{what.replace(' ', '-')}", 'wb') as f:
            f.write(frame)
    open(stamp, 'w').close()


if __name__ == '__main__':
    main()
