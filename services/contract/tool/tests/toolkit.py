# SPDX-License-Identifier: Apache-2.0
"""What the tests of the verbs share: TAP, calls of the program and of openssl, keys, a contract.

Keys are made at test time in a folder that is removed at the end. Everything that has a second
implementation in openssl, tar or Python is compared with that.
"""
import base64
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import textwrap
import time

TOOL = sys.argv[1] if len(sys.argv) > 1 else 'hpl-contract'
DIR = tempfile.mkdtemp(prefix='hpl-tool-')
DIGEST = 'sha256:' + '0123456789abcdef' * 4
_count = 0
_bad = 0


def check(name, good, detail=''):
    global _count, _bad
    _count += 1
    print(f'{"ok" if good else "not ok"} {_count} - {name}', flush=True)
    if not good:
        _bad += 1
        for line in str(detail).splitlines()[:20]:
            print('# ' + line)


def done():
    print(f'1..{_count}')
    shutil.rmtree(DIR, ignore_errors=True)
    sys.exit(1 if _bad else 0)


def path(name):
    return os.path.join(DIR, name)


def write(name, data):
    with open(path(name), 'wb') as f:
        f.write(data.encode() if isinstance(data, str) else data)
    return path(name)


def read(name):
    with open(path(name), 'rb') as f:
        return f.read()


class Result:
    def __init__(self, p):
        self.rc, self.out, self.err = p.returncode, p.stdout, p.stderr.decode('utf-8', 'replace')

    def text(self):
        return self.out.decode()

    def __str__(self):
        return f'exit {self.rc}\n{self.out[:2000]!r}\n{self.err}'


def tool(*args, stdin=b'', **kw):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    return Result(subprocess.run([TOOL, *args], input=stdin, capture_output=True, timeout=100, **kw))


def external(verb, query):
    r = tool(verb, '--external', stdin=json.dumps(query))
    r.json = json.loads(r.out) if r.rc == 0 else None
    return r


def expect_exit(name, code, *args, say=None, **kw):
    """One call that must end with this exit code, and say this on standard error."""
    r = tool(*args, **kw)
    check(name, r.rc == code and (say is None or say in r.err), r)
    return r


def openssl(*args, stdin=b'', fail=False):
    p = subprocess.run(['openssl', *args], input=stdin, capture_output=True, timeout=100)
    if p.returncode and not fail:
        raise RuntimeError(f'openssl {args}: {p.stderr.decode()}')
    return None if p.returncode else p.stdout


def rsa(name, bits=2048, passphrase=None):
    """name.key, name.pub; the key encrypted when there is a passphrase."""
    openssl('genrsa', '-out', path(name + '.key'), str(bits))
    openssl('rsa', '-in', path(name + '.key'), '-pubout', '-out', path(name + '.pub'))
    if passphrase:
        openssl('pkcs8', '-topk8', '-in', path(name + '.key'), '-out', path(name + '.enc.key'),
                '-v2', 'aes-256-cbc', '-passout', 'pass:' + passphrase)


def certificate(name, days=300, issuer=None, ca=False, serial=None):
    """name.crt for name.key, by itself or by issuer."""
    config = write(name + '.cnf', textwrap.dedent(f'''\
        [req]
        distinguished_name = dn
        prompt = no
        [dn]
        CN = {name}
        O = Test
        [ext]
        basicConstraints = CA:{"TRUE" if ca else "FALSE"}
        crlDistributionPoints = URI:http://127.0.0.1/{issuer or name}.crl
        '''))
    openssl('req', '-new', '-config', config, '-key', path(name + '.key'), '-out', path(name + '.csr'))
    by = (['-CA', path(issuer + '.crt'), '-CAkey', path(issuer + '.key')] if issuer
          else ['-signkey', path(name + '.key')])
    by += ['-set_serial', str(serial or int.from_bytes(os.urandom(8), 'big') >> 1)]
    openssl('x509', '-req', '-in', path(name + '.csr'), '-out', path(name + '.crt'), '-days',
            str(days), '-sha512', '-extfile', config, '-extensions', 'ext', *by)
    return path(name + '.crt')


def expired_certificate(name):
    """name.crt for name.key, by itself, valid in January of 2024 only."""
    certificate(name)
    write('ca-index', '')
    config = write('ca-expired.cnf', textwrap.dedent(f'''\
        [ca]
        default_ca = d
        [d]
        database = {path('ca-index')}
        new_certs_dir = {DIR}
        rand_serial = yes
        default_md = sha512
        policy = p
        [p]
        commonName = supplied
        organizationName = optional
        '''))
    openssl('ca', '-batch', '-notext', '-config', config, '-selfsign', '-keyfile',
            path(name + '.key'), '-in', path(name + '.csr'), '-startdate', '20240101000000Z',
            '-enddate', '20240201000000Z', '-out', path(name + '.crt'))
    return path(name + '.crt')


def seal(text, password, public='image.pub', prefix='hyper-protect-basic'):
    """A token made as the documentation says, by openssl alone; None when openssl refuses."""
    data = openssl('enc', '-aes-256-cbc', '-pbkdf2', '-pass', 'stdin', '-in', write('seal', text),
                   stdin=password, fail=True)
    if data is None:
        return None
    blob = openssl('pkeyutl', '-encrypt', '-pubin', '-inkey', path(public), '-pkeyopt',
                   'rsa_padding_mode:pkcs1', '-in', write('password', password))
    return '.'.join([prefix, base64.b64encode(blob).decode(), base64.b64encode(data).decode()])


def unseal(token, key='image.key'):
    """The other way."""
    prefix, blob, data = token.strip().split('.')
    password = openssl('pkeyutl', '-decrypt', '-inkey', path(key), '-pkeyopt',
                       'rsa_padding_mode:pkcs1', '-in', write('blob', base64.b64decode(blob)))
    return openssl('enc', '-d', '-aes-256-cbc', '-pbkdf2', '-pass', 'stdin', '-in',
                   write('data', base64.b64decode(data)), stdin=password)


def openssl_sign(key, workload, env, strip):
    text = (workload + env).encode()
    if strip:
        text = text.replace(b'\n', b'').replace(b'\r', b'')
    raw = openssl('dgst', '-sha256', '-sign', path(key), stdin=text)
    return base64.b64encode(raw).decode()


def openssl_verify(public, signature, workload, env):
    """cat | tr -d | openssl dgst -verify, as the documentation has it."""
    text = (workload + env).encode().replace(b'\n', b'').replace(b'\r', b'')
    return openssl('dgst', '-sha256', '-verify', public, '-signature',
                   write('signature', base64.b64decode(signature)), stdin=text, fail=True) is not None


def compose_archive(text=None):
    text = text or f'services:\n  web:\n    image: docker.io/library/busybox@{DIGEST}\n'
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w:gz') as t:
        info = tarfile.TarInfo('docker-compose.yaml')
        info.size = len(text)
        t.addfile(info, io.BytesIO(text.encode()))
    return base64.b64encode(out.getvalue()).decode()


WORKLOAD = f'''type: workload
# what runs
compose:
  archive: {compose_archive()}
env:
  GREETING: "hello: world"   # said first
'''
ENV = '''type: env
logging:
  logRouter:
    hostname: logs.example.com
    iamApiKey: "abcdefghijklmnopqrstuvwxyz"
env:
  NAME: value
'''


def indent(text, n=2):
    return textwrap.indent(text, ' ' * n, lambda line: line.strip())


def contract(workload=WORKLOAD, env=ENV, more=''):
    """Both sections as block text."""
    return f'env: |\n{indent(env)}workload: |\n{indent(workload)}{more}'


def mapping(workload=WORKLOAD, env=ENV, more=''):
    return f'workload:\n{indent(workload)}env:\n{indent(env)}{more}'
