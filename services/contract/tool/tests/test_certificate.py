#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl contract certificate, against what openssl says of the same certificates."""
import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

for name in ('root', 'middle', 'image', 'old', 'soon', 'other'):
    rsa(name)
rsa('small', 1024)
ROOT = certificate('root', ca=True)
MIDDLE = certificate('middle', ca=True, issuer='root')
IMAGE = certificate('image', issuer='middle', serial=0x1234567890abcdef)
SOON = certificate('soon', days=5)
OLD = expired_certificate('old')
OTHER = certificate('other', ca=True)
openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path('ec.key'))
EC = certificate('ec')
SMALL = certificate('small')


def field(name, cert=IMAGE):
    return openssl('x509', '-in', cert, '-noout', '-' + name, '-nameopt', 'RFC2253').decode().strip()


def show(*args):
    r = tool('certificate', '--format', 'json', *args)
    r.json = json.loads(r.out) if r.out else None
    return r


r = tool('certificate', IMAGE)
text = r.text()
check('a certificate is shown', r.rc == 0, r)
check('as openssl shows it', 'subject: ' + field('subject').split('=', 1)[1] in text and
      'issuer: ' + field('issuer').split('=', 1)[1] in text and 'RSA, 2048 bits' in text and
      'revocation list: http://127.0.0.1/middle.crl' in text and 'verdict: good' in text and
      ('days left: 299' in text or 'days left: 300' in text), f'{text}\n{field("subject")}')
r = show(IMAGE)
check('JSON has the same', r.rc == 0 and r.json['good'] and r.json['bits'] == 2048 and
      r.json['serial'].lower().replace(':', '').lstrip('0') == field('serial').split('=')[1].lower() and
      r.json['fingerprint'] == openssl('x509', '-in', IMAGE, '-noout', '-fingerprint', '-sha256').decode(
      ).strip().split('=')[1].replace(':', '').lower() and r.json['crl_url'] ==
      'http://127.0.0.1/middle.crl' and not r.json['issuer_checked'], r)
r = show('--issuer', MIDDLE, '--issuer', ROOT, IMAGE)
check('its chain is good', r.rc == 0 and r.json['issuer_checked'], r)
write('chain', read('middle.crt') + read('root.crt'))
check('so it is from one file', show('--issuer', path('chain'), IMAGE).rc == 0)
check('or without the root', show('--issuer', MIDDLE, IMAGE).rc == 0)
for name, args in (('another issuer', ('--issuer', OTHER)), ('a chain in the wrong order', (
        '--issuer', ROOT, '--issuer', MIDDLE))):
    r = show(*args, IMAGE)
    check(f'{name} is found', r.rc == 1 and not r.json['good'] and r.json['error'], r)
openssl('x509', '-in', IMAGE, '-outform', 'DER', '-out', path('image.der'))
broken = bytearray(read('image.der'))
broken[-10] ^= 1
write('broken.pem', b'-----BEGIN CERTIFICATE-----\n' + base64.encodebytes(bytes(broken)) +
      b'-----END CERTIFICATE-----\n')
r = show('--issuer', MIDDLE, path('broken.pem'))
check('a changed signature is found', r.rc == 1 and not r.json['good'], r)
r = show(OLD)
check('an expired one is bad, and says since when', r.rc == 1 and not r.json['good'] and
      '2024-02-01' in r.json['error'] and r.json['days_left'] < -600, r)
r = tool('certificate', SOON)
check('one that ends soon is good with a warning', r.rc == 0 and 'warning' in r.err, r)
check('an EC key is no encryption key', show(EC).rc == 1)
check('nor is RSA of 1024 bits', show(SMALL).rc == 1)

# revocation
write('index.txt', '')
write('crlnumber', '01\n')
conf = write('crl.cnf', f'[ca]\ndefault_ca=d\n[d]\ndatabase={path("index.txt")}\n'
             f'crlnumber={path("crlnumber")}\ndefault_md=sha512\ndefault_crl_days=30\n')
BY = ['-config', conf, '-cert', MIDDLE, '-keyfile', path('middle.key')]
openssl('ca', '-gencrl', *BY, '-out', path('empty.crl'))
openssl('ca', '-revoke', IMAGE, *BY)
openssl('ca', '-gencrl', *BY, '-out', path('revoked.crl'))
openssl('crl', '-in', path('revoked.crl'), '-outform', 'DER', '-out', path('revoked.der'))
openssl('ca', '-gencrl', '-config', conf, '-cert', OTHER, '-keyfile', path('other.key'), '-out',
        path('foreign.crl'))
r = show('--issuer', MIDDLE, '--crl', path('empty.crl'), IMAGE)
check('a revocation list without it', r.rc == 0 and r.json['revocation_checked'], r)
for name in ('revoked.crl', 'revoked.der', 'foreign.crl'):
    r = show('--issuer', MIDDLE, '--crl', path(name), IMAGE)
    check(f'{name} is bad', r.rc == 1 and not r.json['good'], r)
expect_exit('a list that is none is bad input', 1, 'certificate', '--issuer', MIDDLE, '--crl',
            write('x', 'x'), IMAGE)
expect_exit('a list without issuer is a wrong call', 2, 'certificate', '--crl', path('empty.crl'), IMAGE)

# several
r = tool('certificate', IMAGE, OLD, SOON)
check('several are a table; one bad makes the exit status 1', r.rc == 1 and
      len(r.text().splitlines()) == 5 and all(os.path.basename(f) in r.text() for f in (
          IMAGE, OLD, SOON)), r)
r = show(IMAGE, SOON)
check('or a list', r.rc == 0 and [c['file'] for c in r.json] == [IMAGE, SOON], r)

# choosing
versions = {v: f'cert of {v}\n' for v in ('1.0.9', '1.0.10', '26.2.0', '26.10.1', '26.9.5')}
for spec, found in (('newest', '26.10.1'), ('1.0.9', '1.0.9'), ('26.2.0', '26.2.0')):
    r = tool('certificate', '--select', spec, stdin=json.dumps(versions))
    check(f'--select {spec}', r.rc == 0 and r.text() == versions[found], r)
r = tool('certificate', '--select', 'newest', '--format', 'json', stdin=json.dumps(versions))
check('--select as JSON', r.rc == 0 and json.loads(r.out) == {
    'version': '26.10.1', 'cert': versions['26.10.1']}, r)
for name, text in (('a version that is not there', json.dumps(versions)), ('no object', '[]'),
                   ('no JSON', '{'), ('an empty object', '{}')):
    expect_exit(f'--select with {name} is bad input', 1, 'certificate', '--select', '7', stdin=text)

expect_exit('a public key is no certificate', 1, 'certificate', path('image.pub'))
expect_exit('nor is anything else', 1, 'certificate', '-', stdin=b'x')
expect_exit('no FILE is a wrong call', 2, 'certificate')
expect_exit('a FILE that is not there is a wrong call', 2, 'certificate', path('none'))
expect_exit('--select with a FILE is a wrong call', 2, 'certificate', '--select', '7', IMAGE)
done()
