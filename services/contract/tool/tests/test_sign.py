#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl contract sign and verify, against the openssl commands of the documentation, both ways."""
import os
import random
import sys

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

DAY = 86400
for name in ('image', 'signer', 'other', 'ca', 'other-ca', 'attest'):
    rsa(name, 4096 if name == 'image' else 2048, 'word' if name == 'signer' else None)
for name in ('ca', 'other-ca'):
    certificate(name, ca=True)
CERT = certificate('image')
PUB = base64.b64encode(read('signer.pub')).decode()
SIGN = ('sign', '--key', path('signer.key'))
CA = ('--ca-cert', path('ca.crt'), '--ca-key', path('ca.key'))
PARAMS = write('params.json', json.dumps({
    'country': 'DE', 'state': 'BW', 'location': 'Town', 'org': 'Acme', 'unit': 'Labs',
    'domain': 'signer.example', 'mail': 'a@signer.example'}))


def sign(text, *args, key='signer.key'):
    r = tool('sign', '--key', path(key), *args, '-', stdin=text)
    r.doc = yaml.safe_load(r.out) if r.rc == 0 else {}
    return r


def signing_key(env):
    return base64.b64decode(yaml.safe_load(env)['signingKey'])


def verifies(doc, env):
    """With plain openssl, by the key that stands in env."""
    pem = signing_key(env)
    if b'CERTIFICATE' in pem:
        pem = openssl('x509', '-in', write('pem', pem), '-noout', '-pubkey')
    return openssl_verify(write('pub', pem), doc['envWorkloadSignature'], doc['workload'], doc['env'])


# plain
r = sign(contract())
check('a contract of block text is signed', r.rc == 0, r)
check('openssl verifies it', r.rc == 0 and verifies(r.doc, r.doc['env']))
check('the key was put into env, which is otherwise as it was', r.doc['env'] ==
      ENV + f'signingKey: {PUB}\n', r)
check('the workload is as it was', r.doc['workload'] == WORKLOAD)
check('keys are sorted', list(r.doc) == sorted(r.doc))
again = sign(r.out)
check('signing again gives the same', again.out == r.out, again)
SIGNED = r.out
r = sign(mapping())
check('sections that are mappings become text and are signed', r.rc == 0 and
      r.doc['workload'] == WORKLOAD and verifies(r.doc, r.doc['env']), r)
r = sign(contract().replace('env: |\n', 'env: |-\n'))
check('an env without last line end keeps all of its values', r.rc == 0 and verifies(
    r.doc, r.doc['env']) and yaml.safe_load(r.doc['env']) == dict(yaml.safe_load(ENV), signingKey=PUB), r)
r = sign('workload: |\n' + indent(WORKLOAD) + 'env: ' + json.dumps(yaml.safe_load(ENV)) + '\n')
check('an env in braces gets the key as well', r.rc == 0 and verifies(r.doc, r.doc['env']) and
      yaml.safe_load(r.doc['env']) == dict(yaml.safe_load(ENV), signingKey=PUB), r)
given = ENV + 'signingKey: |\n' + indent(read('signer.pub').decode())
r = sign(contract(env=given))
check('a key that is there already stays as it is', r.rc == 0 and r.doc['env'] == given, r)
r = sign(contract(env=ENV + f'signingKey: {base64.b64encode(read("other.pub")).decode()}\n'))
check('another key in env is refused', r.rc == 1 and 'another key' in r.err and not r.out, r)
r = tool('sign', '--key', path('signer.enc.key'), '--passphrase-file', write('word', 'word\n'), '-',
         stdin=contract())
check('a key with a passphrase', r.rc == 0 and r.out == SIGNED, r)



def random_env(rng):
    """An env as text, in some style of writing, and perhaps with the key in it already."""
    tree = {'type': 'env', 'env': {f'k{i}': rng.choice(['a', 'a: b', 'l\nl\n', '', ' x', '#', 'l\nl'])
                                   for i in range(rng.randrange(4))},
            'list': [rng.choice([1, 'x', None, [1, {'a': 'b\n\n'}]]) for _ in range(rng.randrange(4))]}
    if rng.random() < 0.5:
        tree['signingKey'] = rng.choice([PUB, read('signer.pub').decode()])
    text = yaml.dump(dict(sorted(tree.items(), key=lambda _: rng.random())), sort_keys=False,
                     default_flow_style=rng.choice([True, False, None]), indent=rng.choice([2, 4]),
                     default_style=rng.choice([None, '|', '"', "'"]), width=rng.choice([20, 80]))
    text = rng.choice(['', '# comment\n', '\n', '---\n']) + text + rng.choice(['', '', '\n', '# end\n', '...\n'])
    return tree, text.rstrip('\n') if rng.random() < 0.2 else text


random.seed(20261121)
wrong = []
for i in range(40):
    tree, text = random_env(random)
    given = json.dumps({'workload': 'x: 1\n', 'env': text})
    r = sign(given, '--no-validate')
    if r.rc or yaml.safe_load(r.doc['env']) != dict({'signingKey': PUB}, **tree) or not verifies(
            dict(r.doc), r.doc['env'] if 'signingKey' not in tree or tree['signingKey'] == PUB else
            f'signingKey: {PUB}'):
        wrong.append(f'{text}\n--\n{r}')
    r = sign(given, '--no-validate', '--expiry-days', '5', *CA, '--csr-params', PARAMS)
    if r.rc or dict(yaml.safe_load(r.doc['env']), signingKey=0) != dict(tree, signingKey=0) or not verifies(
            r.doc, r.doc['env']):
        wrong.append(f'{text}\n--\n{r}')
check('40 random envs get a key and a certificate and keep the rest', not wrong, '\n'.join(wrong))

# signed and encrypted
r = sign(contract(more='attestationPublicKey: |\n' + indent(read('attest.pub').decode())),
         '--cert', CERT)
check('encrypted and signed in one call', r.rc == 0 and list(r.doc) == [
    'attestationPublicKey', 'env', 'envWorkloadSignature', 'workload'], r)
env = unseal(r.doc['env']).decode()
check('the tokens are signed', verifies(r.doc, env))
check('and hold env with the key, and the workload', env == ENV + f'signingKey: {PUB}\n' and
      unseal(r.doc['workload']).decode() == WORKLOAD)
check('and the attestation key', unseal(r.doc['attestationPublicKey']) == read('attest.pub'))
SEALED = r.out
half = tool('encrypt', '--cert', CERT, '--only', 'workload', '-', stdin=contract())
r = sign(half.out, '--cert', CERT)
check('a workload that came as a token stays that token', r.rc == 0 and
      r.doc['workload'] == yaml.safe_load(half.out)['workload'] and
      verifies(r.doc, unseal(r.doc['env'])), r)
both = tool('encrypt', '--cert', CERT, '-', stdin=contract(env=ENV + f'signingKey: {PUB}\n'))
r = sign(both.out)
check('tokens are signed as they are, with a warning that env was not seen', r.rc == 0 and
      'cannot be seen' in r.err and verifies(r.doc, unseal(r.doc['env'])), r)

# with an end
for name, extra in (('params', ('--csr-params', PARAMS)), ('csr', ('--csr', path('signer.csr')))):
    if name == 'csr':
        certificate('signer')
    r = sign(contract(), '--expiry-days', '90', *CA, *extra)
    check(f'a contract that ends is signed ({name})', r.rc == 0 and verifies(r.doc, r.doc['env']), r)
    write('signing.crt', signing_key(r.doc['env']))
    check('its certificate is of the CA', openssl('verify', '-CAfile', path('ca.crt'),
                                                   path('signing.crt'), fail=True) is not None)
    check('and ends in 90 days', openssl('x509', '-in', path('signing.crt'), '-noout', '-checkend',
                                          str(90 * DAY - 600), fail=True) is not None and
          openssl('x509', '-in', path('signing.crt'), '-noout', '-checkend', str(90 * DAY + 600),
                  fail=True) is None)
    if name == 'params':
        text = openssl('x509', '-in', path('signing.crt'), '-noout', '-subject', '-nameopt',
                       'RFC2253').decode()
        check('its subject is that of the parameters', all(
            v in text for v in ('CN=signer.example', 'OU=Labs', 'O=Acme', 'L=Town', 'ST=BW', 'C=DE',
                                'a@signer.example')), text)
ENDING = r.out
r = sign(contract(), '--expiry-days', '90', *CA, '--csr-params', PARAMS, '--compat')
check('--compat encodes twice', r.rc == 0 and base64.b64decode(signing_key(r.doc['env'])).startswith(
    b'-----BEGIN CERTIFICATE'), r)
v = tool('verify', '-', stdin=r.out)
check('which verifies', v.rc == 0, v)
r = sign(SIGNED, '--expiry-days', '9', *CA, '--csr-params', PARAMS, '--cert', CERT)
check('a certificate takes the place of the key', r.rc == 0 and
      verifies(r.doc, unseal(r.doc['env'])) and unseal(r.doc['env']).count(b'signingKey') == 1, r)
r = sign(contract(), '--expiry-days', '90', *CA, '--csr', path('signer.csr'), key='other.key')
check('a request for another key is refused', r.rc == 1 and not r.out, r)
r = sign(contract(), '--expiry-days', '90', '--ca-cert', path('ca.crt'), '--ca-key',
         path('other-ca.key'), '--csr-params', PARAMS)
check('a CA key that is not of the CA is refused', r.rc == 1 and not r.out, r)
r = sign(both.out, '--expiry-days', '90', *CA, '--csr-params', PARAMS)
check('a certificate cannot be put into a token', r.rc == 1 and 'encrypted' in r.err, r)

# refusals and wrong calls
r = sign(contract(env=ENV.replace('type: env', 'type: enf')))
check('a contract that a guest would refuse is refused', r.rc == 1 and 'HPL05001E' in r.err, r)
r = sign('workload: |\n' + indent(WORKLOAD), '--no-validate')
check('a contract without env is refused', r.rc == 1 and 'no env' in r.err, r)
expect_exit('a text that is no contract', 1, *SIGN, '-', stdin=b'x')
expect_exit('a public key cannot sign', 1, 'sign', '--key', path('signer.pub'), '-', stdin=contract())
expect_exit('no --key is a wrong call', 2, 'sign', '-', stdin=contract())
expect_exit('no FILE is a wrong call', 2, *SIGN)
expect_exit('days that are no number', 2, *SIGN, '--expiry-days', 'x', *CA, '--csr-params', PARAMS,
            '-', stdin=contract())
expect_exit('--expiry-days without a CA', 2, *SIGN, '--expiry-days', '3', '-', stdin=contract())
expect_exit('--expiry-days without a request', 2, *SIGN, '--expiry-days', '3', *CA, '-',
            stdin=contract())
expect_exit('a CA without --expiry-days', 2, *SIGN, *CA, '-', stdin=contract())
r = external('sign', {'contract': contract(), 'key': read('signer.key').decode(),
                      'cert': read('image.crt').decode()})
doc = yaml.safe_load(r.json['contract']) if r.rc == 0 else {}
check('a query signs and encrypts', r.rc == 0 and verifies(doc, unseal(doc['env'])), r)
r = external('sign', {'contract': contract(), 'key_file': path('signer.key'), 'expiry_days': '9',
                      'ca_cert_file': path('ca.crt'), 'ca_key_file': path('ca.key'),
                      'csr_params': read('params.json').decode()})
check('a query signs with an end', r.rc == 0 and verifies(*(lambda d: (d, d['env']))(
    yaml.safe_load(r.json['contract']))), r)

# what the guest's own checks say of it
for name, text, args in (('plain', SIGNED, ()), ('encrypted', SEALED, ('--key', path('image.key'))),
                         ('ending', ENDING, ())):
    r = tool('validate', *args, '-', stdin=text)
    check(f'a signed contract is valid ({name})', r.rc == 0 and 'HPL12001E' not in r.text(), r)


# verify: what sign made
def verify(text, *args):
    return tool('verify', *args, '-', stdin=text)


def verify_json(text, *args):
    r = verify(text, '--format', 'json', *args)
    r.json = json.loads(r.out)
    return r


r = verify(SIGNED)
finger = openssl('dgst', '-sha256', '-hex', stdin=openssl(
    'pkey', '-pubin', '-in', path('signer.pub'), '-outform', 'DER')).decode().split()[-1]
check('the signature of a plain contract is good', r.rc == 0 and 'signature: good' in r.text() and
      f'SHA-256 {finger}' in r.text() and 'RSA, 2048 bits' in r.text() and 'never' in r.text() and
      'does not cover: nothing' in r.text(), r)
r = verify(SEALED, '--key', path('image.key'))
check('of an encrypted one, with the key of the image', r.rc == 0, r)
check('what it does not cover is named', 'does not cover: attestationPublicKey\n' in r.text() and
      'warning' not in r.err, r)
r = verify(SEALED, '--signing-key', path('signer.pub'))
check('with the key of the signer alone', r.rc == 0, r)
r = verify(SEALED, '--key', path('image.key'), '--signing-key', path('signer.pub'))
check('with both', r.rc == 0, r)
r = verify(SEALED, '--key', path('image.key'), '--signing-key', path('other.pub'))
check('a signer that env does not name is refused', r.rc == 1 and 'another key' in r.err, r)
r = verify(SEALED, '--signing-key', path('other.pub'))
check('a key that did not sign is refused', r.rc == 1 and 'HPL12001E' in r.err, r)
r = verify(SEALED)
check('without any key it says what is needed', r.rc == 1 and '--signing-key' in r.err, r)
r = verify_json(ENDING)
check('JSON names signer and end', r.rc == 0 and r.json['valid'] and 'CN=signer' in r.json['signer'] and
      0 < r.json['not_after'] - time.time() - 89 * DAY < 2 * DAY and r.json['bits'] == 2048 and
      r.json['not_covered'] == [] and not r.json['attestation_key_swappable'], r)
r = verify(ENDING)
check('text names the days that are left', r.rc == 0 and ('in 89 days' in r.text() or 'in 90 days' in r.text()), r)

# verify: what openssl made
E = ENV + f'signingKey: {PUB}\n'
for strip in (True, False):
    s = openssl_sign('signer.key', WORKLOAD, E, strip)
    for form, value in (('one line', s), ('lines', '|\n' + textwrap.indent(
            '\n'.join(textwrap.wrap(s, 64)), '  '))):
        r = verify_json(contract(env=E, more=f'envWorkloadSignature: {value}\n'))
        check(f'a signature by openssl, stripped: {strip}, {form}', r.rc == 0 and
              r.json['line_ends_removed'] == strip, r)
s = openssl_sign('signer.key', WORKLOAD, E, True)
MORE = 'attestationPublicKey: |\n' + indent(read('attest.pub').decode()) + 'boot:\n  sehdr: aGk=\n'
r = verify_json(contract(env=E, more=MORE + f'envWorkloadSignature: {s}\n'))
check('an attestation key in clear can be exchanged: a warning', r.rc == 0 and 'warning' in r.err and
      r.json['attestation_key_swappable'] and
      r.json['not_covered'] == ['attestationPublicKey', 'boot'], r)
w, e = seal(WORKLOAD, b'w' * 32), seal(E, b'e' * 32)
s = openssl_sign('signer.key', w, e, True)
TOKENS = f'workload: {w}\nenv: {e}\nenvWorkloadSignature: {s}\n'
r = verify(TOKENS, '--key', path('image.key'))
check('tokens and signature by openssl', r.rc == 0, r)
r = verify(TOKENS.replace(w, w[:-6] + ('AAAA' if w[-6:-2] != 'AAAA' else 'BBBB') + w[-2:]), '--key',
           path('image.key'))
check('a changed token is found', r.rc == 1 and 'HPL12001E' in r.err, r)
check('changed text is found', verify(SIGNED.replace(b'said first', b'said later')).rc == 1)
swapped = yaml.safe_load(SIGNED)
swapped['workload'] = swapped['workload'].replace('said first', 'said later')
check('openssl agrees', not verifies(swapped, swapped['env']))
expired_certificate('signer')
old = ENV + f'signingKey: {base64.b64encode(read("signer.crt")).decode()}\n'
s = openssl_sign('signer.key', WORKLOAD, old, True)
r = verify_json(contract(env=old, more=f'envWorkloadSignature: {s}\n'))
check('an expired certificate is bad', r.rc == 1 and not r.json['valid'] and
      r.json['id'] == 'HPL12007E', r)
r = sign(contract(env=old))
check('nothing is signed with one', r.rc == 1 and 'expired' in r.err, r)
r = verify(contract())
check('a contract without signature is bad', r.rc == 1 and 'envWorkloadSignature' in r.err, r)
r = verify(contract(more=f'envWorkloadSignature: {s}\n'))
check('a signature without signingKey is bad', r.rc == 1 and 'signingKey' in r.err, r)
r = verify(mapping(env=E, more=f'envWorkloadSignature: {s}\n'))
check('a section that is no text cannot be signed', r.rc == 1 and 'no string' in r.err, r)
r = verify_json(contract())
check('JSON says so as well', r.rc == 1 and r.json['valid'] is False and r.json['error'], r)
expect_exit('no FILE is a wrong call', 2, 'verify')
expect_exit('a FILE that is not there is a wrong call', 2, 'verify', path('none'))
expect_exit('a FILE that is no contract is bad input', 1, 'verify', '-', stdin=b'x')
done()
