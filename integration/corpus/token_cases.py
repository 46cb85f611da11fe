# SPDX-License-Identifier: Apache-2.0
"""Encrypted sections: those that open, those that do not, and what is wrong inside them."""
import base64

from bases import CANARY
from cases import CONTRACT, Case, pick
from emit import Raw, drop, get, put, section_text, write
from material import b64

NOT_OPENED, AUDITOR = 'HPL11001E', 'HPL11002E'
PREFIXES = ('hyper-protect-basic', 'contract-basic')


class TokenCases:
    def __init__(self, corpus, bases):
        self.corpus = corpus
        self.bases = bases
        self.mat = bases.mat

    def build(self):
        for base in ('compose', 'play', 'small'):
            for section in ('workload', 'env'):
                self.good(base, section)
        for section in ('workload', 'env'):
            self.not_opened(section)
        self.inside()
        self.auditor()

    def text(self, base, tokens):
        """A contract; tokens: section -> its token."""
        root = self.bases.root(base)
        for section, token in tokens.items():
            put(root, (section,), Raw(token))
        return write(root, {'workload': 'block', 'env': 'block'})

    def section(self, base, section):
        return section_text(get(self.bases.root(base), (section,)))

    def add(self, name, base, tokens, id, **more):
        text, places = self.text(base, tokens)
        at = more.pop('at', None)
        line = places.key(at)[0] if at else None
        more.setdefault('valid', id is None)
        return self.corpus.add(Case(name, 'token', text.encode(), id=id, line=line, **more))

    def good(self, base, section):
        prefix = pick(base + section, PREFIXES)
        token = self.mat.token(self.section(base, section), prefix=prefix)
        self.add(f'token {base} {section}', base, {section: token}, None, opened=True)
        self.add(f'token {base} {section} closed', base, {section: token}, None,
                 guest=False, why='the tool has no key here, the guest has')

    def not_opened(self, section):
        good = self.mat.token(self.section('small', section))
        prefix, rsa, data = good.split('.')

        def raw(text):
            return bytearray(base64.b64decode(text))

        def flip(text, at):
            out = raw(text)
            out[at] ^= 1
            return b64(bytes(out))
        bad = {
            'other key': self.mat.token(self.section('small', section), key='other'),
            'other image': self.mat.token(self.section('small', section), key='auditor'),
            'password damaged': '.'.join([prefix, flip(rsa, 17), data]),
            'password short': '.'.join([prefix, b64(bytes(raw(rsa)[:-1])), data]),
            'password empty': '.'.join([prefix, 'QUJD', data]),
            'data cut': '.'.join([prefix, rsa, b64(bytes(raw(data)[:-7]))]),
            'data without salt': '.'.join([prefix, rsa, flip(data, 0)]),
            'data empty': '.'.join([prefix, rsa, b64(b'Salted__12345678')]),
            'no text': self.mat.token(b'\xff\xfe' + bytes(range(200))),
            'NUL inside': self.mat.token(b'type: env\0\n'),
        }
        for what, token in bad.items():
            self.add(f'token {section} {what}', 'small', {section: token}, NOT_OPENED, opened=True,
                     at=(section,))

    def inside(self):
        """Faults of a section that is encrypted; places count its own lines."""
        changes = (
            ('type', ('workload', 'type'), CANARY), ('null', ('workload', 'play'), ''),
            ('env type', ('env', 'type'), CANARY), ('host', ('env', 'logging', 'syslog', 'hostname'), '7'),
            ('port', ('env', 'logging', 'syslog', 'port'), '0'), ('YAML', ('env', 'x'), f'"{CANARY}'),
            ('bracket', ('workload', 'x'), f'[{CANARY}'), ('word', ('workload', 'env'), CANARY))
        for what, path, value in changes:
            for prefix in PREFIXES:
                root = self.bases.root('small')
                put(root, path, Raw(value))
                token = self.mat.token(section_text(get(root, path[:1])), prefix=prefix)
                self.add(f'inside a token {what} {prefix}', 'small', {path[0]: token}, CONTRACT, opened=True)
        for text in ('', '\n', 'hello\n', '- a\n', '42\n'):
            for section in ('workload', 'env'):
                self.add(f'token of {text!r} {section}', 'small', {section: self.mat.token(text)}, CONTRACT,
                         opened=True)
        for section in ('workload', 'env'):
            root = self.bases.root('small')
            drop(root, (section, 'type'))
            token = self.mat.token(section_text(get(root, (section,))))
            self.add(f'token without type {section}', 'small', {section: token}, CONTRACT, opened=True)

    def auditor(self):
        at = ('attestationPublicKey',)
        for what, text, id in (('PEM', self.mat.auditor_pub, None),
                               ('base64', b64(self.mat.auditor_pub), None),
                               ('EC', self.mat.ec_pub, AUDITOR), ('small', self.mat.small_pub, AUDITOR),
                               ('text', 'no key', AUDITOR), ('empty', '\n', AUDITOR)):
            self.add(f'token attestationPublicKey {what}', 'small',
                     {'attestationPublicKey': self.mat.token(text)}, id, opened=True,
                     at=at if id else None)
        self.add('token attestationPublicKey other key', 'small',
                 {'attestationPublicKey': self.mat.token(self.mat.auditor_pub, key='other')}, AUDITOR,
                 opened=True, at=at)
