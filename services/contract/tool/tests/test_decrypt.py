#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl contract decrypt: it opens what plain openssl makes, and writes it so that it reads back."""
import os
import random
import sys

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

RANDOM = 40
PASSPHRASE = 'a long word'
rsa('image', 4096, PASSPHRASE)
rsa('image2')
rsa('image3', 3072)
KEY = ('--key', path('image.key'))

# tokens that openssl made; about every fifth random password holds one of the two bytes
bad = []
for i in range(RANDOM):
    text = os.urandom(1 + i * 7)
    token = seal(text, os.urandom(32))
    if token:
        r = tool('decrypt', *KEY, '-', stdin=token)
        if r.out != text or r.rc:
            bad.append((i, r.rc, r.err))
check(f'{RANDOM} tokens with random passwords open', not bad, bad)
for name, password in (('LF in the middle', b'a' * 14 + b'\n' + b'b' * 17),
                       ('NUL in the middle', b'a' * 9 + b'\0' + b'b' * 22),
                       ('LF, then NUL', b'a' * 5 + b'\n\0' + b'b' * 25),
                       ('NUL, then LF', b'a' * 5 + b'\0\n' + b'b' * 25),
                       ('LF first', b'\n' + b'b' * 31), ('LF last', b'b' * 31 + b'\n'),
                       ('NUL last', b'b' * 31 + b'\0'), ('CR', b'b' * 31 + b'\r')):
    token = seal(b'secret', password)
    r = tool('decrypt', *KEY, '-', stdin=token)
    check(f'a password with {name} opens as openssl takes it', r.rc == 0 and r.out == b'secret', r)
check('openssl refuses a password with NUL first', seal(b'x', b'\0' + b'a' * 31) is None)
for text in (b'', b'\n', b'no line end', bytes(range(256))):
    r = tool('decrypt', *KEY, '-', stdin=seal(text, b'p' * 32) + '\n')
    check(f'the plain text is written byte for byte ({len(text)} bytes)', r.rc == 0 and r.out == text, r)
r = tool('decrypt', '--key', path('image3.key'), '-', stdin=seal(b'x', b'p' * 32, 'image3.pub',
                                                                  'contract-basic'))
check('RSA of 3072 bits and the other prefix', r.rc == 0 and r.out == b'x', r)

# contracts
W, E = seal(WORKLOAD, b'w' * 32), seal(ENV, b'e' * 32)
r = tool('decrypt', *KEY, '-', stdin=f'workload: {W}\nenv: {E}\nother: 1\n')
plain = yaml.safe_load(r.out) if r.rc == 0 else {}
check('a contract is written with its sections in clear', r.rc == 0 and
      plain == {'workload': WORKLOAD, 'env': ENV, 'other': 1}, r)
check('as block text', b'workload: |\n  type: workload\n' in r.out, r)
strange = ['a\r\nb\n', ' leading\n  more\n', '\n\nempty lines first\n', 'ends without line end',
           'two at the end\n\n', 'tab\there\n\tand first\n', 'blanks at the end  \n   \n', ' \n',
           'quotes " \\ \' : # \n', '---\n', 'next line \x85 separator \u2028\n', '\ufeffmark\n', 'é ü 漢\n',
           'yes', '0x10', 'null', '~', '- a\n- b\n', '\n', '', '# only a comment\n', '%YAML 1.1\n', '\x01\x7f\n', 'a: |\n    deep\n']
for text in strange:
    r = tool('decrypt', *KEY, '-', stdin=f'workload: {W}\nenv: {seal(text, b"e" * 32)}\n')
    again = tool('encrypt', '--cert', path('image.pub'), '--no-validate', '-', stdin=r.out)
    if r.rc == 0 and again.rc == 0:
        back = unseal(yaml.safe_load(again.out)['env']).decode()
        check(f'{text!r} comes back as it was', back == text, f'{back!r}\n{r}')
    else:
        check(f'{text!r} comes back as it was', False, f'{r}\n{again}')
r = tool('decrypt', *KEY, '-', stdin=f'workload: {W}\nenv: {seal(bytes([255, 10]), b"e" * 32)}\n')
check('bytes that are no text are refused with the name of the section', r.rc == 1 and not r.out and
      'env' in r.err, r)
# any text that YAML can hold, written and read by another reader of YAML
random.seed(20261121)
PIECES = ('\n', '\n\n', ' ', '  ', '\t', ':', ': ', '#', ' #', '-', '- ', '|', '>', '"', "'", '\\', '%', '@', '{',
          '}', '[', ']', ',', '&a', '*a', '!', '?', '~', 'null', 'true', 'yes', '0x1f', '1e3', '.5', 'word',
          'é', '漢', '😀', '\r', '\r\n', '\x85', '\u2028', '\ufeff', '---', '...', '=', '\x7f', '\x1b')
for i in range(20):
    texts = {f'key-{k}': ''.join(random.choices(PIECES, k=random.randrange(9))) for k in range(50)}
    given = json.dumps(dict(texts, workload=W, env=E), ensure_ascii=False)
    for char in '\x7f\x85\u2028\ufeff':
        given = given.replace(char, f'\\u{ord(char):04x}')
    r = tool('decrypt', *KEY, '-', stdin=given)
    back = yaml.safe_load(r.out) if r.rc == 0 else {}
    wrong = [(texts[k], back.get(k)) for k in texts if texts[k] != back.get(k)]
    check(f'50 random texts are written as they are ({i})', r.rc == 0 and not wrong, f'{wrong[:3]}\n{r}')
two = f'workload: {W}\nenv: {seal(ENV, b"e" * 32, "image2.pub")}\n'
r = tool('decrypt', *KEY, '--key', path('image2.key'), '-', stdin=two)
check('each key is tried', r.rc == 0 and yaml.safe_load(r.out)['env'] == ENV, r)
r = tool('decrypt', *KEY, '-', stdin=two)
check('a token that no key opens stays, is named, and makes the exit status 1', r.rc == 1 and
      'env stays encrypted' in r.err and yaml.safe_load(r.out)['workload'] == WORKLOAD and
      yaml.safe_load(r.out)['env'].startswith('hyper-protect-basic.'), r)
r = tool('decrypt', *KEY, '-', stdin=contract())
check('a contract in clear is written with a warning', r.rc == 0 and 'nothing' in r.err and
      yaml.safe_load(r.out) == yaml.safe_load(contract()), r)

# keys
token = seal(b'secret', b'p' * 32)
enc = ('--key', path('image.enc.key'))
r = tool('decrypt', *enc, '--passphrase-file', write('pass', PASSPHRASE + '\n'), '-', stdin=token)
check('an encrypted key with its passphrase in a file', r.rc == 0 and r.out == b'secret', r)
here, there = os.pipe()
os.write(there, PASSPHRASE.encode())
os.close(there)
r = tool('decrypt', *enc, '--passphrase-file', f'/dev/fd/{here}', '-', stdin=token, pass_fds=[here])
check('its passphrase through a descriptor', r.rc == 0 and r.out == b'secret', r)
os.close(here)
expect_exit('without a passphrase', 1, 'decrypt', *enc, '-', stdin=token)
expect_exit('with a wrong one', 1, 'decrypt', *enc, '--passphrase-file', write('wrong', 'x'), '-',
            stdin=token)

# one uniform error for whatever is wrong with a token
parts = token.split('.')
faults = set()
for t in ('.'.join([parts[0], parts[1], parts[2][:-8] + 'AAAAAAA=']),
          '.'.join([parts[0], 'A' * len(parts[1].rstrip('=')) + parts[1][len(parts[1].rstrip('=')):],
                    parts[2]]), seal(b'x', b'p' * 32, 'image2.pub'), '.'.join([parts[0], parts[1], 'QQ=='])):
    r = tool('decrypt', *KEY, '-', stdin=t)
    faults.add((r.rc, r.out, r.err))
check('every token that does not open says the same', len(faults) == 1 and
      next(iter(faults))[0] == 1, faults)

r = tool('decrypt', *KEY, '--output', path('plain'), '-', stdin=token)
check('--output writes a file for its owner alone', r.rc == 0 and not r.out and
      read('plain') == b'secret' and os.stat(path('plain')).st_mode & 0o777 == 0o600, r)
r = external('decrypt', {'contract': token, 'key': read('image.enc.key').decode(),
                         'passphrase': PASSPHRASE})
check('a query with a passphrase', r.rc == 0 and r.json['contract'] == 'secret', r)
r = external('decrypt', {'contract': seal(b'\xff', b'p' * 32), 'key_file': path('image.key')})
check('a query cannot have bytes that are no text', r.rc == 1 and not r.out, r)
r = external('decrypt', {'contract': two, 'key_file': path('image.key')})
check('half a result is none for a query', r.rc == 1 and not r.out, r)

expect_exit('a section in clear is bad input', 1, 'decrypt', *KEY, '-', stdin=ENV)
expect_exit('so is anything else', 1, 'decrypt', *KEY, '-', stdin=b'hello')
expect_exit('and nothing', 1, 'decrypt', *KEY, '-', stdin=b'')
expect_exit('a key that is none', 1, 'decrypt', '--key', write('k', 'x'), '-', stdin=token)
expect_exit('no --key is a wrong call', 2, 'decrypt', '-', stdin=token)
expect_exit('no FILE is a wrong call', 2, 'decrypt', *KEY)
expect_exit('a key file that is not there is a wrong call', 2, 'decrypt', '--key', path('none'), '-')
done()
