# SPDX-License-Identifier: Apache-2.0
"""Keys, certificates, tokens and contracts for the tests of the tools, made anew with openssl."""
import base64
import io
import os
import subprocess
import tarfile

DIGEST = 'sha256:' + 'ab' * 32
CANARIES = ['CANARY-SEED-W-0001', 'CANARY-SEED-OLD-01', 'CANARY-SEED-E-0001', 'CANARY-PASS-W',
            'CANARY-PASS-E', 'CANARY-ENV-W', 'CANARY-ENV-E', 'CANARY-COMPOSE', 'CANARY-DOTENV',
            'CANARY-EXTRA', 'CANARY-ARG']


def openssl(*args, stdin=b''):
    return subprocess.run(['openssl', *args], input=stdin, capture_output=True, check=True).stdout


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def archive(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w:gz') as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return b64(out.getvalue())


class Material:
    """Files in a folder, their texts as attributes."""

    def __init__(self, folder):
        self.folder = folder
        self.key = self.path('image.key', openssl('genrsa', '2048'))
        self.other_key = self.path('other.key', openssl('genrsa', '2048'))
        self.passphrase = self.path('passphrase', b'pass-CANARY-word\n')
        self.locked_key = self.path('locked.key', openssl(
            'pkcs8', '-topk8', '-v2', 'aes-256-cbc', '-passout', 'pass:pass-CANARY-word', '-in', self.key))
        self.public = openssl('pkey', '-in', self.key, '-pubout').decode()
        self.sign_key = self.path('sign.key', openssl('genrsa', '2048'))
        self.sign_public = openssl('pkey', '-in', self.sign_key, '-pubout').decode()
        self.client_key = openssl('genrsa', '2048').decode()
        key = self.path('client.key', self.client_key.encode())
        self.client_cert = openssl('req', '-x509', '-key', key, '-subj', '/CN=client', '-days', '90').decode()
        self.ca = openssl('req', '-x509', '-key', self.sign_key, '-subj', '/CN=Test CA', '-days', '90').decode()

    def path(self, name, data):
        path = os.path.join(self.folder, name)
        with open(path, 'wb') as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        return path

    def token(self, text):
        password = b64(os.urandom(24)).encode()
        secret = self.path('password', password)
        sealed = openssl('pkeyutl', '-encrypt', '-inkey', self.key, '-in', secret)
        data = openssl('enc', '-aes-256-cbc', '-pbkdf2', '-pass', 'file:' + secret, stdin=text.encode())
        return f'hyper-protect-basic.{b64(sealed)}.{b64(data)}'

    def signature(self, workload, env):
        signed = (workload + env).encode()
        return b64(openssl('dgst', '-sha256', '-sign', self.sign_key, stdin=signed))

    def workload(self):
        files = {'docker-compose.yaml': f'''services:
  web:
    image: registry.example/space/web@{DIGEST}
    ports: ["8080:80", "${{PORT}}:90"]
    environment: {{X: CANARY-COMPOSE}}
    command: ["--secret", "CANARY-ARG"]
''', '.env': 'EXTRA=CANARY-DOTENV\n'}
        return f'''type: workload
compose:
  archive: {archive(files)}
env:
  A: CANARY-ENV-W
  BOTH: CANARY-ENV-W
  PORT: "9090"
auths:
  registry.example:
    username: walter
    password: CANARY-PASS-W
volumes:
  data:
    seed: CANARY-SEED-W-0001
    previousSeed: CANARY-SEED-OLD-01
    mount: /mnt/data
    filesystem: xfs
'''

    def env(self):
        block = ''.join('      ' + line + '\n' for line in self.client_key.splitlines())
        return f'''type: env
logging:
  syslog:
    hostname: logs.example.com
    server: {b64(self.ca)}
    cert: {b64(self.client_cert)}
    key: |
{block}env:
  B: CANARY-ENV-E
  BOTH: CANARY-ENV-E
auths:
  registry.example: {{username: emil, password: CANARY-PASS-E}}
volumes:
  data:
    seed: CANARY-SEED-E-0001
    volumeName: disk-1
signingKey: {b64(self.sign_public)}
crypto-pt:
  lock: true
  index-1: {{type: secret, secret: CANARY-EXTRA}}
'''

    def plain(self, workload=None, env=None):
        w, e = workload or self.workload(), env or self.env()

        def block(text):
            return ''.join('  ' + line + '\n' for line in text.splitlines())
        return (f'workload: |\n{block(w)}env: |\n{block(e)}'
                f'envWorkloadSignature: {self.signature(w, e)}\n')

    def encrypted(self, workload=None, env=None):
        w, e = self.token(workload or self.workload()), self.token(env or self.env())
        return (f'# made for a test\nworkload: {w}\n\n# between\nenv: {e}\n'
                f'envWorkloadSignature: {self.signature(w, e)}\n'
                f'attestationPublicKey: {self.token(self.public)}\n')

    def secrets(self):
        """What no output may hold: canaries, and a line from the middle of the private key."""
        return CANARIES + [self.client_key.splitlines()[5], 'pass-CANARY-word']
