# SPDX-License-Identifier: Apache-2.0
"""Certificates, keys, signatures, archives and images: what only opening them shows."""
import base64
import gzip
import re
import tarfile

from bases import CANARY, DCT_NAME
from cases import CONTRACT, Case, forms_for
from emit import Raw, drop, get, put, section_text, write
from material import DIGEST, IMAGE, POD, archive, b64, compose, compose_file, special

NO_PEM, KEY_TYPE, SERVER, CERT, KEY, REJECTED = (
    'HPL01005E', 'HPL01006E', 'HPL01007E', 'HPL01008E', 'HPL01009E', 'HPL01011E')
NOT_COVERED, VALID_UNTIL, AUDITOR, REGISTRY, SIGNED, ONE, EXPIRED, SOON = (
    'HPL12016W', 'HPL12014I', 'HPL11002E', 'HPL09001E', 'HPL12001E', 'HPL12004E', 'HPL12007E', 'HPL12015W')
BAD_ARCHIVE, BAD_TAR, NO_FILE, BAD_COMPOSE, NO_DIGEST, ONLY_DCT, BAD_ENV = (
    'HPL06006E', 'HPL06007E', 'HPL06008E', 'HPL06009E', 'HPL06010E', 'HPL06004E', 'HPL06003E')
PODS, DESCRIPTORS, POLICY = 'HPL15005E', 'HPL15002E', 'HPL16002E'
SYSLOG = ('env', 'logging', 'syslog')


def four_dashes(pem):
    return re.sub(r'-----\s*$', '----\n', pem)


def cut(pem):
    lines = pem.strip().split('\n')
    return '\n'.join(lines[:len(lines) // 2]) + '\n'


def half(pem):
    """Well formed, but its content ends early."""
    lines = pem.strip().split('\n')
    return '\n'.join(lines[:3] + lines[-1:]) + '\n'


def label(pem, name):
    return re.sub(r'(BEGIN|END) [A-Z ]+-----', rf'\1 {name}-----', pem)


def broken(pem):
    """The form of PEM, no structure in it."""
    lines = pem.strip().split('\n')
    body = b64(bytes(range(48)) * 4)
    return '\n'.join([lines[0], body[:64], body[64:128], lines[-1]]) + '\n'


class KeyCases:
    def __init__(self, corpus, bases):
        self.corpus = corpus
        self.bases = bases
        self.mat = bases.mat

    def build(self):
        self.pem_forms()
        self.log_keys()
        self.auditor()
        self.cacerts()
        self.signatures()
        self.archives()
        self.compose_files()
        self.pods()
        self.trust()

    def set(self, name, kind, base, path, value, id, forms=None, said=True, **more):
        """said: the fault names the path."""
        root = self.bases.root(base)
        put(root, path, value)
        return self.corpus.add_tree(name, kind, root, forms or forms_for(name, ('block', 'map', 'flow')),
                                    place=more.pop('place', None) or (lambda p: p.value(path)),
                                    id=id, path=path if said else None, **more)

    # ---- the form of PEM and base64: the schema's business ----

    def pem_forms(self):
        m = self.mat
        fields = (('play', SYSLOG + ('server',), m.ca_crt, CONTRACT),
                  ('play', SYSLOG + ('cert',), m.client_crt, CONTRACT),
                  ('play', SYSLOG + ('key',), m.client_key, CONTRACT),
                  ('play', ('attestationPublicKey',), m.auditor_pub, AUDITOR),
                  ('signed', ('env', 'signingKey'), m.signer_pub, CONTRACT))
        for base, path, pem, id in fields:
            for what, text in (
                    ('four dashes', four_dashes(pem)), ('no end', cut(pem)),
                    ('three dashes before', pem.replace('-----BEGIN', '---BEGIN')),
                    ('no begin', pem.split('\n', 1)[1]), ('begin only', pem.split('\n', 1)[0] + '\n'),
                    ('bad character', pem.replace('\n', '\n*', 2)),
                    ('URL-safe', pem.replace('+', '-').replace('/', '_')),
                    ('label DOG', label(pem, 'DOG')),
                    ('text in front', 'subject=x\n' + pem),
                    ('blanks in the label', pem.replace('BEGIN ', 'BEGIN  ')),
                    ('words', CANARY + ' is no key\n')):
                if text == pem:
                    continue
                for form in ('block', 'map'):
                    name = f'{path[-1]} PEM {what} {form}'
                    # this the bootloader takes, and the schema does not
                    said = CONTRACT if what == 'text in front' else id
                    self.signable(name, 'PEM', base, path, text, said, form, secrets=self.secret(pem))
            good = b64(pem)
            for what, text in (
                    ('URL-safe', good[:40] + '-_' + good[42:]), ('one short', good.rstrip('=')[:-1]
                     if len(good.rstrip('=')) % 4 == 0 else good + 'A'),
                    ('bad character', good[:20] + '!' + good[21:]),
                    ('padding inside', good[:20] + '====' + good[20:])):
                for form in ('block', 'flow'):
                    name = f'{path[-1]} base64 {what} {form}'
                    self.signable(name, 'base64', base, path, text, id, form,
                                  secrets=self.secret(pem) + (text[100:140],))

    @staticmethod
    def secret(pem):
        """A line of a private key; the others are public."""
        return (pem.split('\n')[5],) if 'PRIVATE' in pem else ()

    def signable(self, name, kind, base, path, value, id, form, **more):
        root = self.signed_root() if base == 'signed' else self.bases.root(base)
        put(root, path, value)
        forms = {'workload': form, 'env': form}
        self.corpus.add_tree(name, kind, root, forms, place=lambda p: p.value(path), id=id, path=path,
                             **more)

    # ---- the log server's certificates and keys ----

    def log_keys(self):
        m = self.mat
        cases = (
            ('server', 'no PEM', 'nothing of the kind', NO_PEM),
            ('cert', 'no PEM', 'nothing of the kind', NO_PEM),
            ('key', 'no PEM', CANARY + ' nothing of the kind', NO_PEM),
            ('server', 'a key', m.ca_key, SERVER), ('server', 'a public key', m.ca_pub, SERVER),
            ('server', 'broken', broken(m.ca_crt), SERVER), ('server', 'half', half(m.ca_crt), SERVER),
            ('server', 'expired', m.ca_expired_crt, REJECTED),
            ('server', 'label TRUSTED KEY', label(m.ca_crt, 'TRUSTED KEY'), SERVER),
            ('cert', 'a key', m.client_key, CERT), ('cert', 'a public key', m.client_pub, CERT),
            ('cert', 'broken', broken(m.client_crt), CERT), ('cert', 'half', half(m.client_crt), CERT),
            ('cert', 'expired', m.client_expired_crt, REJECTED),
            ('cert', 'not yet valid', m.client_future_crt, REJECTED),
            ('cert', 'of another key', m.signer_crt, REJECTED),
            ('cert', 'and an expired one', m.client_crt + m.client_expired_crt, REJECTED),
            ('key', 'a certificate', m.client_crt, KEY_TYPE), ('key', 'public', m.client_pub, KEY_TYPE),
            ('key', 'label DSA', label(m.client_key, 'DSA PRIVATE KEY'), KEY_TYPE),
            ('key', 'encrypted', m.client_encrypted_key, KEY),
            ('key', 'broken', broken(m.client_key), KEY), ('key', 'half', half(m.client_key), KEY),
            ('key', 'of another', m.other_key, REJECTED), ('key', 'EC', m.ec_key, REJECTED),
            ('key', 'of the CA', m.ca_key, REJECTED),
        )
        for field, what, text, id in cases:
            for form, value in (('once', b64(text)), ('twice', b64(b64(text)))):
                self.set(f'syslog {field} {what} base64 {form}', 'log keys', 'small', SYSLOG + (field,),
                         value, id, secrets=self.secret(m.client_key) + self.secret(m.other_key))
        for field in ('cert', 'key'):
            for form in ('block', 'map', 'flow', 'quoted'):
                root = self.bases.root('small')
                drop(root, SYSLOG + (field,))
                self.corpus.add_tree(f'syslog without {field} {form}', 'log keys', root,
                                     {'workload': 'block', 'env': form}, id=NO_PEM,
                                     place=lambda p: p.key(SYSLOG))
        for what, field, text in (
                ('key PKCS1', 'key', m.client_rsa_key), ('server two', 'server', m.ca_crt * 2),
                ('server one expired', 'server', m.ca_expired_crt + m.ca_crt),
                ('server literal line ends', 'server', m.ca_crt.replace('\n', '\\n'))):
            self.set(f'syslog {what}', 'valid', 'small', SYSLOG + (field,), b64(text), None, valid=True,
                     place=lambda p: (None, None), said=False)

    # ---- attestationPublicKey ----

    def auditor(self):
        m = self.mat
        bad = (('EC', m.ec_pub), ('RSA 1024', m.small_pub), ('broken', broken(m.auditor_pub)),
               ('half', half(m.auditor_pub)), ('text', 'no key'), ('private', m.auditor_key))
        for what, text in bad:
            for form, value in (('base64', b64(text)), ('base64 twice', b64(b64(text)))):
                self.set(f'auditor key {what} {form}', 'auditor key', 'play', ('attestationPublicKey',),
                         value, AUDITOR)
            if what not in ('text', 'private'):
                self.set(f'auditor key {what} PEM', 'auditor key', 'play', ('attestationPublicKey',),
                         text, AUDITOR)
        for what, value in (('base64', b64(m.auditor_pub)), ('certificate', b64(m.client_crt)),
                            ('lines of base64', base64.encodebytes(m.auditor_pub.encode()).decode())):
            self.set(f'auditor key valid {what}', 'valid', 'play', ('attestationPublicKey',), value, None,
                     valid=True, place=lambda p: (None, None), said=False)

    def cacerts(self):
        m = self.mat
        for what, text in (('text', 'no certificate'), ('key', m.ca_pub), ('private key', m.other_key),
                           ('broken', broken(m.ca_crt)), ('half', half(m.ca_crt))):
            for name in ('registry', 'my.registry', 'x'):
                at = ('env', 'cacerts', 0, name)
                root = self.bases.root('compose')
                put(root, ('env', 'cacerts'), [{name: b64(text)}])
                case = f'cacerts {what} {name}'
                self.corpus.add_tree(case, 'CA', root, forms_for(case), id=REGISTRY,
                                     place=lambda p, at=at: p.value(at),
                                     secrets=self.secret(m.other_key))

    # ---- the signature over both sections ----

    def signed_root(self, key='signer', public=None):
        root = self.bases.root('small')
        put(root, ('env', 'signingKey'), b64(public or getattr(self.mat, key + '_pub')))
        put(root, ('envWorkloadSignature',), b64('x' * 256))
        return root

    def signed(self, name, form, *, signer='signer', public=None, change=None, id=None, line=None,
               auditor=None, **more):
        """Signs the text as the documentation says; change(text) comes after that."""
        root = self.signed_root(public=public)
        drop(root, ('envWorkloadSignature',))
        w, e = (section_text(get(root, (s,))) for s in ('workload', 'env'))
        signature = self.mat.sign(signer, (w + e).replace('\n', ''))
        put(root, ('envWorkloadSignature',), signature)
        if auditor:
            put(root, ('attestationPublicKey',), auditor)
        text, places = write(root, {'workload': form, 'env': form})
        if change:
            text = change(text, signature)
        spot = places.value(('env', line) if line == 'signingKey' else (line,)) if line else (None, None)
        more.setdefault('valid', id is None)
        self.corpus.add(Case(name, 'signature', text.encode(), id=id, line=spot[0], col=spot[1], **more))

    def signatures(self):
        m = self.mat
        for form in ('block', 'quoted'):
            self.signed(f'signed {form}', form)
            self.signed(f'signed, certificate {form}', form, public=m.signer_crt, says=VALID_UNTIL)
            self.signed(f'signed, base64 twice {form}', form, public=b64(m.signer_crt), says=VALID_UNTIL)
            self.signed(f'signed, literal line ends {form}', form,
                        public=m.signer_pub.replace('\n', '\\n'))
            self.signed(f'signed, certificate with literal line ends {form}', form,
                        public=m.signer_crt.replace('\n', '\\n'), says=VALID_UNTIL)
            for what, public in (('once', m.signer_soon_crt), ('twice', b64(m.signer_soon_crt)),
                                 ('literal line ends', m.signer_soon_crt.replace('\n', '\\n'))):
                self.signed(f'signed, ends soon, {what} {form}', form, public=public, id=SOON, valid=True,
                            says=SOON, line='signingKey')
            for what, key in (('PEM', m.auditor_pub), ('base64', b64(m.auditor_pub)),
                              ('certificate', b64(m.client_crt))):
                self.signed(f'signed, auditor key as {what} {form}', form, auditor=key, id=NOT_COVERED,
                            valid=True, says=NOT_COVERED, line='attestationPublicKey')
            for what, args in (
                    ('by another key', {'signer': 'other'}),
                    ('changed after', {'change': lambda t, s: t.replace('log.example.com', 'log.example.org')}),
                    ('blank added', {'change': lambda t, s: t.replace('type: env', 'type:  env')}),
                    ('order turned', {'change': self.turned(form)}),
                    ('SHA-512', {'change': self.other_digest(form)}),
                    ('bit turned', {'change': lambda t, s: t.replace(s[:8], 'AAAAAAAA')}),
                    ('cut', {'change': lambda t, s: t.replace(s, s[:-8] + '=' * 0)}),
                    ('empty bytes', {'change': lambda t, s: t.replace(s, b64(bytes(256)))}),
                    ('short', {'change': lambda t, s: t.replace(s, b64(b'short'))})):
                self.signed(f'signature {what} {form}', form, id=SIGNED, line='envWorkloadSignature', **args)
            for what, key in (('EC', m.ec_pub), ('RSA 1024', m.small_pub), ('text', 'no key'),
                              ('broken', broken(m.signer_pub)), ('private', m.signer_key)):
                self.signed(f'signing key {what} {form}', form, public=key, id=SIGNED, line='signingKey',
                            secrets=self.secret(m.signer_key))
            for what in (1, 2, 3):
                self.signed(f'signing certificate expired {form} {what}', form,
                            public=[m.signer_expired_crt, b64(m.signer_expired_crt),
                                    m.signer_expired_crt.replace('\n', '\\n')][what - 1],
                            id=EXPIRED, line='signingKey')
        for form in ('map', 'flow'):  # a mapping has no text that could have been signed
            self.signed(f'signed sections as {form}', form, id=SIGNED)
        for form in ('block', 'map', 'quoted', 'flow'):
            root = self.signed_root()
            drop(root, ('envWorkloadSignature',))
            self.corpus.add_tree(f'signing key alone {form}', 'signature', root,
                                 {'workload': form, 'env': form}, id=ONE,
                                 place=lambda p: p.value(('env', 'signingKey')))
            root = self.signed_root()
            drop(root, ('env', 'signingKey'))
            self.corpus.add_tree(f'signature alone {form}', 'signature', root,
                                 {'workload': form, 'env': form}, id=ONE,
                                 place=lambda p: p.value(('envWorkloadSignature',)))
        for what in ('not base64 *', 'QUJ', 'QUJD-_', '=QUJD'):
            root = self.signed_root()
            put(root, ('envWorkloadSignature',), Raw(f'"{what}"'))
            self.corpus.add_tree(f'signature {what}', 'base64', root, {'workload': 'block', 'env': 'block'},
                                 place=lambda p: p.value(('envWorkloadSignature',)))

    def texts(self, form):
        root = self.signed_root()
        return [section_text(get(root, (s,))) for s in ('workload', 'env')]

    def turned(self, form):
        w, e = self.texts(form)
        return lambda t, s: t.replace(s, self.mat.sign('signer', e + w))

    def other_digest(self, form):
        w, e = self.texts(form)
        return lambda t, s: t.replace(s, self.mat.sign('signer', w + e, 'sha512'))

    # ---- archives ----

    def archives(self):
        good = {'docker-compose.yaml': compose_file()}
        at = ('workload', 'compose', 'archive')
        for what, data, id in self.bad_archives(good) + self.bad_tars():
            for form in ('block', 'map'):
                self.set(f'archive {what} {form}', 'archive', 'compose', at, b64(data), id,
                         {'workload': form, 'env': 'block'}, said=False)
        pod = {'pod.yaml': POD % IMAGE}
        for what, data, _ in self.bad_archives(pod):
            self.set(f'play archive {what}', 'archive', 'play', ('workload', 'play', 'archive'), b64(data),
                     DESCRIPTORS, said=False)
        for what, data in (('both names', archive({**good, 'docker-compose.yml': 'x'})),
                           ('yml', archive({'docker-compose.yml': compose_file()})),
                           ('folders', archive({**good, 'a/b/c.txt': 'x'}))):
            self.set(f'archive valid {what}', 'valid', 'compose', at, b64(data), None, valid=True,
                     place=lambda p: (None, None), said=False)
        text = compose()
        for what, value in (('URL-safe', text[:30] + '_' + text[31:]), ('asterisk', '*' + text[1:]),
                            ('cut', text[:41]), ('too short', 'QQ'), ('words', 'no base64 at all')):
            for form in ('block', 'map', 'quoted', 'flow'):
                self.set(f'archive base64 {what} {form}', 'base64', 'compose', at,
                         Raw(f'"{value}"'), CONTRACT, {'workload': form, 'env': 'block'})

    @staticmethod
    def bad_archives(good):
        name, text = next(iter(good.items()))

        def tar(**more):
            return archive({**good, **more})
        tgz = tar()
        return (
            ('text', b'hello world', BAD_ARCHIVE), ('not gzip', archive(good, 'tar'), BAD_ARCHIVE),
            ('zip', b'PK\x03\x04' + bytes(60), BAD_ARCHIVE), ('cut', tgz[:-20], BAD_ARCHIVE),
            ('cut early', tgz[:40], BAD_ARCHIVE), ('bytes behind', tgz + b'more', BAD_ARCHIVE),
            ('checksum', tgz[:-8] + bytes(4) + tgz[-4:], BAD_ARCHIVE),
            ('two members', tgz + tgz, BAD_ARCHIVE),
            ('symbolic link', tar(x=special('link', tarfile.SYMTYPE, '/etc/passwd')), BAD_ARCHIVE),
            ('hard link', tar(x=special('link', tarfile.LNKTYPE, name)), BAD_ARCHIVE),
            ('device', tar(x=special('null', tarfile.CHRTYPE)), BAD_ARCHIVE),
            ('block device', tar(x=special('disk', tarfile.BLKTYPE)), BAD_ARCHIVE),
            ('fifo', tar(x=special('pipe', tarfile.FIFOTYPE)), BAD_ARCHIVE),
            ('leaves', tar(**{'../x': 'x'}), BAD_ARCHIVE), ('absolute', tar(**{'/x': 'x'}), BAD_ARCHIVE),
            ('leaves within', tar(**{'a/../../x': 'x'}), BAD_ARCHIVE),
            ('file twice', archive({'./' + name: text, **good}), BAD_ARCHIVE),
            ('bomb', tar(x=bytes(40 << 20)), BAD_ARCHIVE),
        )

    @staticmethod
    def bad_tars():
        return (
            ('empty tar', archive({}), BAD_TAR), ('empty gzip', gzip.compress(b'', mtime=0), BAD_TAR),
            ('gzip of text', gzip.compress(b'hello' * 300, mtime=0), BAD_TAR),
            ('gzip of zeros', gzip.compress(bytes(512), mtime=0), BAD_TAR),
            ('damaged header', gzip.compress(b'\xff' * 1024, mtime=0), BAD_TAR),
            ('in a folder', archive({'app/docker-compose.yaml': compose_file()}), NO_FILE),
            ('compose.yaml', archive({'compose.yaml': compose_file()}), NO_FILE),
            ('upper case', archive({'Docker-Compose.yaml': compose_file()}), NO_FILE),
            ('other file', archive({'README': 'x'}), NO_FILE),
            ('named .json', archive({'docker-compose.json': '{}'}), NO_FILE),
        )

    def compose_files(self):
        at = ('workload', 'compose', 'archive')
        bad = [
            ('tag only', compose_file('registry.example.com/app:1'), NO_DIGEST),
            ('no tag', compose_file('registry.example.com/app'), NO_DIGEST),
            ('short name', compose_file('busybox'), NO_DIGEST),
            ('short digest', compose_file('busybox@sha256:0123'), NO_DIGEST),
            ('upper digest', compose_file('busybox@' + DIGEST.upper()), NO_DIGEST),
            ('sha512', compose_file('busybox@sha512:' + '0' * 128), NO_DIGEST),
            ('no image', 'services:\n  app:\n    command: x\n', NO_DIGEST),
            ('empty image', 'services:\n  app:\n    image: ""\n', NO_DIGEST),
            ('build', compose_file(more='    build: .\n'), NO_DIGEST),
            ('build alone', 'services:\n  app:\n    build: {context: .}\n', NO_DIGEST),
            ('second service', compose_file(more='  other:\n    image: busybox\n'), NO_DIGEST),
            ('variable', compose_file('${IMAGE}'), NO_DIGEST),
            ('variable of env', compose_file('${GREETING}'), NO_DIGEST),
            ('only dct', compose_file(DCT_NAME + ':1'), ONLY_DCT),
            ('only dct, no tag', compose_file(DCT_NAME), ONLY_DCT),
            ('only dct, second', compose_file(more=f'  b:\n    image: {DCT_NAME}\n'), ONLY_DCT),
            ('only dct, latest', compose_file(DCT_NAME + ':latest'), ONLY_DCT),
            ('only dct, variable', compose_file(DCT_NAME + ':${TAG-2}'), ONLY_DCT),
            ('not YAML', 'services: [\n', BAD_COMPOSE), ('a list', '- services\n', BAD_COMPOSE),
            ('empty', '', BAD_COMPOSE), ('no services', 'version: "3"\n', BAD_COMPOSE),
            ('services a list', 'services: [a]\n', BAD_COMPOSE),
            ('service a word', 'services:\n  app: word\n', BAD_COMPOSE),
            ('image a list', 'services:\n  app:\n    image: [a]\n', BAD_COMPOSE),
            ('duplicate', compose_file(more='    image: x\n'), BAD_COMPOSE),
            ('extends', compose_file(more='    extends: {file: other.yaml, service: x}\n'), BAD_COMPOSE),
            ('include', 'include: [x.yaml]\n' + compose_file(), BAD_COMPOSE),
            ('two documents', compose_file() + '---\nservices: {}\n', BAD_COMPOSE),
        ]
        for what, text, id in bad:
            for form in ('block', 'flow'):
                self.set(f'compose file {what} {form}', 'image', 'compose', at, compose(text), id,
                         {'workload': form, 'env': form}, said=False)
        for what, data in (('no UTF-8', b'A=\xff\n'), ('NUL', b'A=x\0y\n')):
            for form in ('block', 'map', 'flow'):
                self.set(f'.env {what} {form}', 'image', 'compose', at,
                         b64(archive({'docker-compose.yaml': compose_file(), '.env': data})), BAD_ENV,
                         {'workload': form, 'env': form}, said=False)

    def pods(self):
        for lst in ('resources', 'templates'):
            spec = ('workload', 'play', lst, 0, 'spec', 'containers', 0, 'image')
            for image in ('busybox', 'registry.example.com/app:2', 'busybox@sha256:0123',
                          'busybox@' + DIGEST.upper(), 'http://busybox', 'Busybox@' + DIGEST):
                for form in ('block', 'map'):
                    self.set(f'pod {lst} image {image} {form}', 'image', 'play', spec, Raw(f'"{image}"'),
                             PODS, {'workload': form, 'env': 'block'}, said=False)
            root = self.bases.root('play')
            drop(root, spec)
            self.corpus.add_tree(f'pod {lst} without image', 'image', root, forms_for(lst), id=PODS,
                                 place=lambda p, at=spec: p.at(at[:-1]))
        spec = ('workload', 'play', 'templates', 0, 'spec', 'restartPolicy')
        for text in ('{{ .Env.NOTHING }}', '{{ .Values.x }}', '{{ range .Env }}', '{{ .Env.GREETING',
                     '{{ printf "x" }}', '{{ if .Env.X }}a{{ end }}', '{{}}'):
            self.set(f'template {text}', 'template', 'play', spec, Raw(f"'{text}'"), DESCRIPTORS)
        for what, text in (
                ('no YAML', 'a: [\n'), ('Deployment', 'apiVersion: apps/v1\nkind: Deployment\n'),
                ('no kind', 'apiVersion: v1\n'), ('no name', 'apiVersion: v1\nkind: Pod\nmetadata: {}\n'),
                ('word', 'hello\n'), ('beta', 'apiVersion: v1beta1\nkind: Pod\nmetadata: {name: x}\n')):
            self.set(f'play archive holds {what}', 'archive', 'play', ('workload', 'play', 'archive'),
                     b64(archive({'pod.yaml': text})), DESCRIPTORS, said=False)
        for image, id in (('busybox', PODS), ('a/b:1', PODS), (IMAGE, None)):
            self.set(f'play archive pod with {image}', 'archive', 'play', ('workload', 'play', 'archive'),
                     b64(archive({'pod.yaml': POD % image})), id, valid=id is None, said=False,
                     place=None if id else lambda p: (None, None))

    def trust(self):
        at = ('workload', 'images', 'rhs', DCT_NAME + ':1', 'publicKey')
        for what, text in (('text', 'no key'), ('PEM', self.mat.signer_pub), ('certificate', self.mat.ca_crt),
                           ('binary', bytes(range(1, 60))),
                           ('private', '-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n')):
            self.set(f'rhs key {what}', 'trust', 'play', at, b64(text), POLICY, said=False)
        root = self.bases.root('play')
        put(root, ('workload', 'play', 'resources', 0, 'spec', 'containers', 0, 'image'), DCT_NAME + ':1')
        self.corpus.add_tree('image trusted by rhs', 'valid', root, forms_for('rhs'), id=None, valid=True)


