#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl contract encrypt: what it makes opens with plain openssl and holds exactly what went in."""
import os
import random
import re
import sys

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

rsa('image', 4096)
rsa('ca')
rsa('attest')
certificate('ca', ca=True)
CERT = certificate('image', issuer='ca', serial=4711)
PEM = read('attest.pub').decode()
MORE = f'attestationPublicKey: |\n{indent(PEM)}boot:\n  sehdr: aGVsbG8=\n'


def encrypt(text, *args):
    return tool('encrypt', '--cert', CERT, *args, '-', stdin=text)


# whole contracts
r = encrypt(contract(more=MORE))
tokens = yaml.safe_load(r.out) if r.rc == 0 else {}
check('a contract of block text is encrypted', r.rc == 0, r)
check('its keys are sorted and all there',
      list(tokens) == ['attestationPublicKey', 'boot', 'env', 'workload'], r)
check('the workload is the block text, byte for byte', unseal(tokens['workload']).decode() == WORKLOAD)
check('env is the block text, byte for byte', unseal(tokens['env']).decode() == ENV)
check('the attestation key is encrypted as well',
      unseal(tokens['attestationPublicKey']).decode() == PEM)
check('what is no section is kept', tokens['boot'] == {'sehdr': 'aGVsbG8='})
check('tokens stand in one plain line each', all(
    re.search(rf'(?m)^{k}: hyper-protect-basic\.[A-Za-z0-9+/]+=*\.[A-Za-z0-9+/]+=*$', r.text())
    for k in ('env', 'workload', 'attestationPublicKey')), r)

r = encrypt(mapping())
tokens = yaml.safe_load(r.out) if r.rc == 0 else {}
check('a contract of mappings is encrypted', r.rc == 0, r)
check('a mapping is encrypted as it was written, comments too',
      unseal(tokens['workload']).decode() == WORKLOAD, unseal(tokens['workload']).decode())
check('so is the last one', unseal(tokens['env']).decode() == ENV)

r = encrypt('# of the file\n' + mapping().replace('\nenv:\n', '\n# of env\nenv:\n'))
tokens = yaml.safe_load(r.out) if r.rc == 0 else {}
check('a comment in front of the next section stays outside',
      unseal(tokens['workload']).decode() == WORKLOAD, unseal(tokens['workload']).decode())

flow = 'workload: {type: workload, compose: {archive: ' + compose_archive() + '}}\nenv: |\n' + indent(ENV)
r = encrypt(flow)
tokens = yaml.safe_load(r.out) if r.rc == 0 else {}
check('a mapping in braces becomes text that means the same', r.rc == 0 and yaml.safe_load(
    unseal(tokens['workload'])) == yaml.safe_load(flow)['workload'], r)

r = encrypt(contract().replace('\n', '\r\n'))
tokens = yaml.safe_load(r.out) if r.rc == 0 else {}
check('line ends of another system do not get in',
      r.rc == 0 and unseal(tokens['workload']).decode() == WORKLOAD, r)

r = encrypt(contract(), '--only', 'workload')
tokens = yaml.safe_load(r.out) if r.rc == 0 else {}
check('--only leaves the other section as it is', r.rc == 0 and tokens['env'] == ENV and
      unseal(tokens['workload']).decode() == WORKLOAD, r)
again = encrypt(r.out)
tokens2 = yaml.safe_load(again.out) if again.rc == 0 else {}
check('what is a token already stays, the rest is encrypted', again.rc == 0 and
      tokens2['workload'] == tokens['workload'] and unseal(tokens2['env']).decode() == ENV, again)
check('the prefix is hyper-protect-basic', tokens2['env'].startswith('hyper-protect-basic.'))
for product, prefix in (('hpvs', 'hyper-protect-basic'), ('ccrt', 'contract-basic'),
                        ('ccco', 'hyper-protect-basic')):
    r = encrypt(contract(), '--product', product)
    check(f'the prefix for {product} is {prefix}', r.rc == 0 and
          yaml.safe_load(r.out)['env'].startswith(prefix + '.'), r)
r = encrypt(contract(), '--prefix', 'contract-basic')
check('--prefix decides', r.rc == 0 and yaml.safe_load(r.out)['env'].startswith('contract-basic.'), r)



def random_value(depth):
    kind = random.randrange(7 if depth else 4)
    if kind == 0:
        return random.choice(['word', 'two words', 'a: b', '# no comment', 'line\nline\n', '\n x', 'yes', '1', ''])
    if kind == 1:
        return random.choice([0, 1, -7, 1.5, True, False, None])
    if kind in (2, 3):
        return 'x' * random.randrange(200)
    if kind == 4:
        return [random_value(depth - 1) for _ in range(random.randrange(4))]
    return {f'k{i}': random_value(depth - 1) for i in range(random.randrange(4))}


random.seed(20261121)
wrong = []
for i in range(40):
    tree = {'type': 'workload', 'a': random_value(4), 'b': random_value(4)}
    style = {'default_flow_style': random.choice([True, False, None]), 'indent': random.choice([2, 4, 7]),
             'default_style': random.choice([None, None, '|', '"']), 'width': random.choice([20, 80])}
    text = yaml.dump({'workload': tree, 'env': 'e' * 10}, allow_unicode=True, **style)
    r = encrypt(text, '--no-validate', '--only', 'workload')
    if r.rc or yaml.safe_load(unseal(yaml.safe_load(r.out)['workload'])) != tree:
        wrong.append(f'{text}\n{r}')
check('40 random mappings mean the same after they were encrypted as text', not wrong, '\n'.join(wrong))
huge = 'workload: ' + 'x' * (13 << 20) + '\nenv: x\n'
r = encrypt(huge, '--no-validate')
check('a result that no guest reads is refused', r.rc == 1 and 'MiB' in r.err and not r.out, r)

# sections and other text
for name, text in (('workload', WORKLOAD), ('env', ENV)):
    r = encrypt(text)
    check(f'a {name} section alone becomes one token', r.rc == 0 and r.out.count(b'\n') == 1 and
          unseal(r.text()).decode() == text, r)
binary = bytes(range(256)) * 3
for name, text in (('bytes', binary), ('nothing', b''), ('JSON', b'{"a": [1, 2]}'),
                   ('a contract', contract().encode()), ('16 MiB less one', b'x' * ((16 << 20) - 1))):
    r = encrypt(text, '--raw')
    check(f'--raw encrypts {name}', r.rc == 0 and unseal(r.text()) == text, r)
passwords = {unseal(encrypt(b'x', '--raw').text()) and openssl(
    'pkeyutl', '-decrypt', '-inkey', path('image.key'), '-pkeyopt', 'rsa_padding_mode:pkcs1',
    '-in', path('blob')) for _ in range(5)}
check('each token has its own password of 32 bytes without NUL and LF', len(passwords) == 5 and
      all(len(p) == 32 and b'\0' not in p and b'\n' not in p for p in passwords), passwords)

# the certificate
r = tool('encrypt', '--cert', path('image.pub'), '--raw', '-', stdin=b'x')
check('a public key does as well', r.rc == 0 and unseal(r.text()) == b'x', r)
r = encrypt(b'x', '--raw', '--issuer', path('ca.crt'))
check('the issuer is checked and fits', r.rc == 0, r)
rsa('other')
certificate('other', ca=True)
r = encrypt(b'x', '--raw', '--issuer', path('other.crt'))
check('another issuer is refused', r.rc == 1 and not r.out, r)
write('index.txt', '')
write('crlnumber', '01\n')
ca_conf = write('crl.cnf', f'[ca]\ndefault_ca=d\n[d]\ndatabase={path("index.txt")}\n'
                f'crlnumber={path("crlnumber")}\ndefault_md=sha512\ndefault_crl_days=30\n')
ARGS = ['-config', ca_conf, '-cert', path('ca.crt'), '-keyfile', path('ca.key')]
openssl('ca', '-gencrl', *ARGS, '-out', path('empty.crl'))
openssl('ca', '-revoke', CERT, *ARGS)
openssl('ca', '-gencrl', *ARGS, '-out', path('revoked.crl'))
r = encrypt(b'x', '--raw', '--issuer', path('ca.crt'), '--crl', path('empty.crl'))
check('a revocation list without it is good', r.rc == 0, r)
r = encrypt(b'x', '--raw', '--issuer', path('ca.crt'), '--crl', path('revoked.crl'))
check('a revoked certificate is refused', r.rc == 1 and not r.out, r)
expired = expired_certificate('other')
r = tool('encrypt', '--cert', expired, '--raw', '-', stdin=b'x')
check('an expired certificate is a warning', r.rc == 0 and 'warning' in r.err and
      'expired' in r.err and unseal(r.text(), 'other.key') == b'x', r)

# refusals
r = encrypt(contract(env=ENV.replace('type: env', 'type: enf')))
check('a contract that a guest would refuse is refused', r.rc == 1 and not r.out and
      'HPL05001E' in r.err and '-:' not in r.err, r)
check('the fault has its place in the file', 'standard input:2:' in r.err, r)
r = encrypt(WORKLOAD.replace('archive:', 'archiv:'))
check('so is a section, with its place', r.rc == 1 and not r.out and 'standard input:4:' in r.err, r)
r = encrypt(contract(env=ENV.replace('type: env', 'type: enf')), '--no-validate')
check('--no-validate encrypts it all the same', r.rc == 0, r)
r = encrypt(b'hello\n')
check('text that is no contract asks for --raw', r.rc == 1 and '--raw' in r.err and not r.out, r)
check('a token is not encrypted again', encrypt(encrypt(b'x', '--raw').out).rc == 1)
expect_exit('a file that is no certificate is bad input', 1, 'encrypt', '--cert', write('c', 'x'), '-',
            stdin=contract())
rsa('small', 1024)
expect_exit('an RSA key of 1024 bits is refused', 1, 'encrypt', '--cert', path('small.pub'), '--raw',
            '-', stdin=b'x')
expect_exit('--only needs the section to be there', 1, 'encrypt', '--cert', CERT, '--only',
            'attestationPublicKey', '-', stdin=contract())

# wrong calls
expect_exit('no --cert is a wrong call', 2, 'encrypt', '-', stdin=contract())
expect_exit('no FILE is a wrong call', 2, 'encrypt', '--cert', CERT)
expect_exit('two FILEs are a wrong call', 2, 'encrypt', '--cert', CERT, 'a', 'b')
expect_exit('an unknown option is a wrong call', 2, 'encrypt', '--certs', CERT, '-', say='--cert?')
expect_exit('a file that is not there is a wrong call', 2, 'encrypt', '--cert', CERT, path('none'))
expect_exit('a certificate that is not there is a wrong call', 2, 'encrypt', '--cert', path('none'), '-')

# output and queries
r = tool('encrypt', '--cert', CERT, '--output', path('out'), '-', stdin=contract())
check('--output writes a file for its owner alone', r.rc == 0 and not r.out and
      os.stat(path('out')).st_mode & 0o777 == 0o600 and
      unseal(yaml.safe_load(read('out'))['env']).decode() == ENV, r)
r = external('encrypt', {'contract': contract(), 'cert': read('image.crt').decode(), 'product': 'ccrt'})
check('a query is answered by an object of strings', r.rc == 0 and
      sorted(r.json) == ['contract', 'sha256'] and
      unseal(yaml.safe_load(r.json['contract'])['workload']).decode() == WORKLOAD, r)
r = external('encrypt', {'contract_file': write('c.yaml', contract()), 'cert_file': CERT})
check('a query may name files', r.rc == 0 and
      unseal(yaml.safe_load(r.json['contract'])['workload']).decode() == WORKLOAD, r)
for name, query in (('an unknown member', {'contract': 'x', 'crt': 'x'}), ('no certificate', {
        'contract': contract()}), ('a number', {'contract': 1}), ('a list', []),
        ('an unknown product', {'contract': contract(), 'cert_file': CERT, 'product': 'x'}),
        ('a text and a file', {'contract': 'x', 'contract_file': 'y', 'cert_file': CERT})):
    r = external('encrypt', query)
    check(f'a query with {name} fails', r.rc == 1 and not r.out and r.err, r)
r = tool('encrypt', '--external', stdin=b'{')
check('a query that is no JSON fails', r.rc == 1 and not r.out, r)
expect_exit('--external takes no other option', 2, 'encrypt', '--external', '--cert', CERT)
done()
