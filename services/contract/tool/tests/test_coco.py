#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl contract initdata and sealed-secret, against Python's gzip and TOML and against openssl."""
import gzip
import os
import sys
import tomllib

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

# initdata
C = contract()
r = tool('initdata', '-', stdin=C)
check('initdata is made, one line', r.rc == 0 and r.out.count(b'\n') == 1, r)
toml = gzip.decompress(base64.b64decode(r.out)).decode()
check('it is gzip of TOML that begins with an empty line', toml.startswith('\nalgorithm'), toml)
doc = tomllib.loads(toml)
check('TOML holds algorithm, version and the contract', doc == {
    'algorithm': 'sha384', 'version': '0.1.0', 'data': {'contract.yaml': C}}, doc)
check('the same contract gives the same initdata', tool('initdata', '-', stdin=C).out == r.out)
back = tool('initdata', '--open', '-', stdin=r.out)
check('--open gives the contract back', back.rc == 0 and back.text() == C, back)
HDR = base64.b64encode(os.urandom(640)).decode()
r = tool('initdata', '--sehdr', write('sehdr', HDR + '\n'), '-', stdin=C)
doc = yaml.safe_load(tomllib.loads(gzip.decompress(base64.b64decode(r.out)).decode())['data'][
    'contract.yaml']) if r.rc == 0 else {}
check('--sehdr adds the header', r.rc == 0 and yaml.safe_load(doc['boot']) == {'sehdr': HDR} and
      doc['env'] == ENV and doc['workload'].rstrip('\n') == WORKLOAD.rstrip('\n'), r)
other = base64.b64encode(gzip.compress(toml.encode(), mtime=1))
back = tool('initdata', '--open', '-', stdin=other)
check('initdata by another gzip opens', back.rc == 0 and back.text() == C, back)
r = external('initdata', {'contract': C})
check('a query is answered', r.rc == 0 and gzip.decompress(base64.b64decode(
    r.json['initdata'])).decode() == toml, r)
expect_exit("a contract that holds ''' is refused", 1, 'initdata', '-', stdin="workload: '''x'''\n")
expect_exit('a contract that is no text is refused', 1, 'initdata', '-', stdin=b'\xff')
expect_exit('--open of anything else is bad input', 1, 'initdata', '--open', '-', stdin=b'AAAA')
expect_exit('no FILE is a wrong call', 2, 'initdata')
expect_exit('--open with --sehdr is a wrong call', 2, 'initdata', '--open', '--sehdr', path('sehdr'),
            '-', stdin=other)

# sealed secrets
for name in ('decrypt', 'verify', 'other'):
    rsa(name, 3072, 'word' if name == 'verify' else None)
SECRET = b'pass word\n\0\xff'
SEAL = ('sealed-secret', '--encrypt-key', path('decrypt.pub'), '--sign-key', path('verify.key'))
OPEN = ('sealed-secret', '--open', '--decrypt-key', path('decrypt.key'), '--verify-key', path('verify.pub'))


def url_decode(text):
    return base64.urlsafe_b64decode(text + '=' * (-len(text) % 4))


def either(text):
    """base64 of either alphabet, padded or not."""
    return url_decode(text.rstrip('=').replace('+', '-').replace('/', '_'))


for side in ('workload', 'env'):
    r = tool(*SEAL, '--side', side, '-', stdin=SECRET)
    sealed = r.text().strip()
    check(f'a secret for {side} is sealed', r.rc == 0 and sealed.startswith('sealed.') and
          sealed.count('.') == 3, r)
    head, body, sig = sealed.split('.')[1:]
    check('its head names algorithm and key', json.loads(url_decode(head)) == {
        'alg': 'RS512', 'kid': side + '_verify'}, url_decode(head))
    good = openssl('dgst', '-sha512', '-verify', path('verify.pub'), '-signature',
                   write('sig', url_decode(sig)), stdin=f'{head}.{body}'.encode(), fail=True)
    check('openssl verifies it', good is not None)
    e = json.loads(url_decode(body))
    check('the envelope has its members', {k: e[k] for k in (
        'version', 'type', 'key_id', 'wrap_type', 'provider')} == {
            'version': '0.1.0', 'type': 'kms', 'key_id': side + '_decrypt', 'wrap_type': 'A256GCM',
            'provider': 'ibm-hpcr-contract'} and len(either(e['iv'])) == 12, e)
    key = openssl('pkeyutl', '-decrypt', '-inkey', path('decrypt.key'), '-pkeyopt',
                  'rsa_padding_mode:pkcs1', '-in', write('wrapped', either(e['encrypted_key'])))
    # GCM encrypts as CTR does whose counter begins behind the block for the tag
    plain = openssl('enc', '-d', '-aes-256-ctr', '-K', key.hex(), '-iv', either(e['iv']).hex() +
                    '00000002', stdin=either(e['encrypted_data'])[:-16])
    check('openssl decrypts it', len(key) == 32 and plain == SECRET, plain)
    r = tool(*OPEN, '-', stdin=sealed)
    check('--open gives the secret back', r.rc == 0 and r.out == SECRET, r)
    r = tool(*OPEN, '--side', 'env' if side == 'workload' else 'workload', '-', stdin=sealed)
    check('not when it is of the other side', r.rc == 1 and not r.out, r)
changed = sealed[:-20] + ('A' if sealed[-20] != 'A' else 'B') + sealed[-19:]
expect_exit('a changed signature is bad', 1, *OPEN, '-', stdin=changed)
expect_exit('another signer is bad', 1, *OPEN[:-1], path('other.pub'), '-', stdin=sealed)
expect_exit('another key does not open it', 1, 'sealed-secret', '--open', '--decrypt-key',
            path('other.key'), '--verify-key', path('verify.pub'), '-', stdin=sealed)
r = tool('sealed-secret', '--side', 'env', '--encrypt-key', path('decrypt.pub'), '--sign-key',
         path('verify.enc.key'), '--passphrase-file', write('word', 'word\n'), '-', stdin=b'x')
check('a signing key with a passphrase', r.rc == 0 and tool(*OPEN, '-', stdin=r.out).out == b'x', r)
r = external('sealed-secret', {'secret': 'x', 'side': 'env', 'encrypt_key': read('decrypt.pub').decode(),
                               'sign_key_file': path('verify.key')})
check('a query is answered', r.rc == 0 and tool(*OPEN, '-', stdin=r.json['sealed']).out == b'x', r)
expect_exit('a public key does not sign', 1, *SEAL[:-1], path('verify.pub'), '--side', 'env', '-', stdin=b'x')
expect_exit('what is no sealed secret is bad input', 1, *OPEN, '-', stdin=b'x')
expect_exit('no --side is a wrong call', 2, *SEAL, '-', stdin=b'x')
expect_exit('a side that is none is a wrong call', 2, *SEAL, '--side', 'x', '-', stdin=b'x')
expect_exit('no --sign-key is a wrong call', 2, *SEAL[:3], '--side', 'env', '-', stdin=b'x')
expect_exit('no --verify-key is a wrong call', 2, *OPEN[:4], '-', stdin=b'x')
expect_exit('no FILE is a wrong call', 2, *SEAL, '--side', 'env')
done()
