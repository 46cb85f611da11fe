# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates of the corpus: made once by the openssl program, kept beneath build/."""
import base64
import gzip
import io
import os
import shutil
import subprocess
import tarfile
import tempfile
import time

DAY = 86400
VERSION = 4  # of this recipe; another one makes everything anew
PASSWORD = b'0123456789abcdef0123456789abcdef'


def openssl(*argv, data=None):
    return subprocess.run(['openssl', *argv], input=data, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=True).stdout


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def archive(files, fmt='gz'):
    """tar.gz of files: name -> text, bytes, or a TarInfo of something that is no file."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode='w', format=tarfile.GNU_FORMAT) as t:
        for name, content in files.items():
            if isinstance(content, tarfile.TarInfo):
                t.addfile(content)
                continue
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            t.addfile(info, io.BytesIO(data))
    data = tar.getvalue()
    return gzip.compress(data, mtime=0) if fmt == 'gz' else data


def special(name, kind, target=''):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info


class Material:
    """Attributes: NAME_key, NAME_pub, NAME_crt (PEM texts) of each name below."""

    def __init__(self, directory):
        self.dir = directory
        stamp = os.path.join(directory, 'version')
        # one certificate ends within 30 days: it is made anew long before it does
        if not os.path.exists(stamp) or open(stamp, encoding='ascii').read() != str(VERSION) or (
                time.time() - os.path.getmtime(stamp) > 10 * DAY):
            self.make()
            with open(stamp, 'w', encoding='ascii') as f:
                f.write(str(VERSION))
        for name in os.listdir(directory):
            path = os.path.join(directory, name)
            if '.' in name:
                with open(path, encoding='latin-1') as f:
                    setattr(self, name.replace('.', '_').replace('-', '_'), f.read())

    def path(self, name):
        return os.path.join(self.dir, name)

    def key(self, name, *options):
        openssl('genpkey', '-out', self.path(name + '.key'), *options)
        openssl('pkey', '-in', self.path(name + '.key'), '-pubout', '-out', self.path(name + '.pub'))

    def issue(self, name, key, issuer, begin, end, *, ca=False):
        """A certificate for a key with any validity: only the ca command takes both ends."""
        with tempfile.TemporaryDirectory() as work:
            conf = os.path.join(work, 'conf')
            with open(conf, 'w', encoding='ascii') as f:
                f.write('[ca]\ndefault_ca=d\n[d]\ndatabase=%s/index\nserial=%s/serial\n'
                        'new_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n'
                        '[x]\nbasicConstraints=critical,CA:%s\n'
                        % (work, work, work, 'TRUE' if ca else 'FALSE'))
            open(os.path.join(work, 'index'), 'w', encoding='ascii').close()
            with open(os.path.join(work, 'serial'), 'w', encoding='ascii') as f:
                f.write(os.urandom(8).hex() + '\n')
            csr = os.path.join(work, 'csr')
            openssl('req', '-new', '-key', self.path(key + '.key'), '-subj', f'/CN={name}.example',
                    '-out', csr)
            own = ['-selfsign', '-keyfile', self.path(key + '.key')] if issuer == name else [
                '-cert', self.path(issuer + '.crt'), '-keyfile', self.path(issuer + '.key')]
            openssl('ca', '-batch', '-notext', '-config', conf, '-extensions', 'x', '-in', csr,
                    '-startdate', begin, '-enddate', end, '-out', self.path(name + '.crt'), *own)

    def make(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        os.makedirs(self.dir)
        bits = ('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048')
        for name in ('ca', 'client', 'other', 'signer', 'image', 'auditor'):
            self.key(name, *bits)
        self.key('small', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024')
        self.key('ec', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256')
        good = ('20250101000000Z', '20450101000000Z')
        past = ('20200101000000Z', '20210101000000Z')
        future = ('20440101000000Z', '20450101000000Z')
        self.issue('ca', 'ca', 'ca', *good, ca=True)
        self.issue('client', 'client', 'ca', *good)
        self.issue('client-expired', 'client', 'ca', *past)
        self.issue('client-future', 'client', 'ca', *future)
        self.issue('ca-expired', 'ca', 'ca', *past, ca=True)
        self.issue('signer', 'signer', 'ca', *good)
        self.issue('signer-expired', 'signer', 'ca', *past)
        soon = time.strftime('%Y%m%d%H%M%SZ', time.gmtime(time.time() + 25 * DAY))
        self.issue('signer-soon', 'signer', 'ca', good[0], soon)
        for name, form in (('client-encrypted', ['-aes256', '-passout', 'pass:secret']),
                           ('client-rsa', ['-traditional'])):
            openssl('pkey', '-in', self.path('client.key'), '-out', self.path(name + '.key'), *form)

    # ---- what is made of them, each time the same ----

    def sign(self, key, text, digest='sha256'):
        data = text.encode() if isinstance(text, str) else text
        return b64(openssl('dgst', '-' + digest, '-sign', self.path(key + '.key'), data=data))

    def token(self, text, key='image', prefix='hyper-protect-basic'):
        sealed = openssl('pkeyutl', '-encrypt', '-pubin', '-inkey', self.path(key + '.pub'),
                         '-pkeyopt', 'rsa_padding_mode:pkcs1', data=PASSWORD)
        with tempfile.NamedTemporaryFile() as f:
            f.write(text.encode() if isinstance(text, str) else text)
            f.flush()
            data = openssl('enc', '-aes-256-cbc', '-pbkdf2', '-pass', 'stdin', '-in', f.name,
                           data=PASSWORD + b'\n')
        return f'{prefix}.{b64(sealed)}.{b64(data)}'


DIGEST = 'sha256:' + '0123456789abcdef' * 4
IMAGE = 'registry.example.com/team/app@' + DIGEST
POD = 'apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: x, image: %s}]}\n'


def compose_file(image=IMAGE, more=''):
    return f'services:\n  app:\n    image: {image}\n{more}'


def compose(text=None, name='docker-compose.yaml', **files):
    content = {name: compose_file() if text is None else text}
    content.update(files)
    return b64(archive(content))
