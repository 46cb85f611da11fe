# SPDX-License-Identifier: Apache-2.0
"""Rules that no schema says: sections, alternatives, volumes, mounts, sources of keys, legacy forms."""
from bases import CANARY, CRN, SEED_E, SEED_W, login
from cases import Case, forms_for
from emit import FORMS, Block, Map, Raw, drop, get, put, rename, section_text, tree, write
from material import compose

NAMES, MOUNT, SAME_DISK, KEY_SOURCE = 'HPL07015E', 'HPL07022E', 'HPL07018E', 'HPL05018E'
LEGACY, EXTENSION, SEED_TWICE, REGISTRY, PLACE_HOLDER = (
    'HPL05012W', 'HPL05014W', 'HPL05015W', 'HPL09001E', 'HPL05019W')
UUID = '5b7f9e90-1f5c-4b55-9a6f-7d1b1b6f1c11'


class RuleCases:
    def __init__(self, corpus, parts, bases):
        self.parts = parts
        self.corpus = corpus
        self.bases = bases

    def build(self):
        for base in ('compose', 'play', 'router'):
            for section in ('workload', 'env'):
                self.section(base, section)
        self.alternatives()
        self.products()
        self.empty()
        self.indentation()
        self.volume_names()
        self.volume_ids()
        self.masked()
        self.mounts()
        self.key_sources()
        self.legacy()
        self.warnings()
        self.place_holders()
        self.extensions()
        self.valid()

    def tree(self, name, kind, root, place, forms=None, **more):
        return self.corpus.add_tree(name, kind, root, forms or forms_for(name), place=place, **more)

    # ---- sections ----

    def section(self, base, section):
        keys = tuple(f'{part} /properties/{section}' for part in self.parts.parts)
        other = {'workload': 'env', 'env': 'workload'}[section]

        def add(what, root, place, **more):
            self.tree(f'{base} section {section} {what}', 'section', root, place,
                      forms={section: 'map', other: 'block'}, keys=keys, **more)

        root = self.bases.root(base)
        drop(root, (section,))
        add('missing', root, lambda p: (1, 1), path=())
        for wrong in (section + 's', section[:-1], section.upper()):
            root = self.bases.root(base)
            rename(root, (section,), wrong)
            add('misspelt ' + wrong, root, lambda p, w=wrong: p.key((w,)), fix=True)
        for what, node in (('null', Raw('null')), ('list', Raw('[1, 2]')), ('word', Raw('hello')),
                           ('number', Raw('42')), ('true', Raw('true')), ('empty text', Raw('""')),
                           ('quoted words', Raw('"hello world"'))):
            root = self.bases.root(base)
            put(root, (section,), node)
            # what is empty has no place of its own
            add('is ' + what, root, lambda p, w=what: p.key((section,)) if w in ('null', 'empty text')
                else p.value((section,)))
        for what, text in (('word in a block', 'hello\n'), ('list in a block', '- one\n- two\n'),
                           ('number in a block', '42\n')):
            root = self.bases.root(base)
            put(root, (section,), Block(text))
            add(what, root, lambda p: (p.value((section,))[0] + 1, 3))
        root = self.bases.root(base)
        text, places = write(root, {})
        swapped = text.replace(f'type: {section}', f'type: {other}', 1)
        self.corpus.add(Case(f'{base} section {section} says {other}', 'section', swapped.encode(),
                             line=places.value((section, 'type'))[0], fix=True, keys=keys))
        if base == 'compose':  # it has an env inside workload: that would be another mistake
            return
        root = self.bases.root(base)
        inner = section_text(get(root, (section,)))
        drop(root, (section,))
        head, _ = write(root, {other: 'block'})
        text = f'{head}{section}: |\n{inner}'
        self.corpus.add(Case(f'{base} section {section} not indented', 'indentation', text.encode(),
                             line=head.count('\n') + 1, keys=keys))

    # ---- exactly one of several ----

    def alternatives(self):
        play = {'resources': [self.bases.pod('web')]}
        cc = {'regoValidator': {'policy': 'package agent_policy\n'}}
        both = (
            ('compose', ('workload',), {'play': play}, 'compose and play'),
            ('compose', ('workload',), {'confidential-containers': cc}, 'compose and cc'),
            ('play', ('workload',), {'compose': {'archive': compose()}}, 'play and compose'),
            ('play', ('workload',), {'confidential-containers': cc}, 'play and cc'),
            ('router', ('env', 'logging'), {'syslog': self.bases.syslog('base64')}, 'router and syslog'),
            ('small', ('env', 'logging'), {'logRouter': {'hostname': 'h', 'iamApiKey': 'x' * 12}},
             'syslog and router'),
            ('compose', ('env', 'volumes', 'data'), {'uv-secret-id': 'index-1'}, 'seed and uv'),
        )
        for base, at, more, what in both:
            for form in FORMS:
                root = self.bases.root(base)
                for key, value in more.items():
                    put(root, at + (key,), value)
                self.tree(f'both {what} {form}', 'both', root, lambda p, at=at: p.key(at),
                          {'workload': form, 'env': form}, path=at)
        none = (('compose', ('workload',), ('compose',)), ('play', ('workload',), ('play',)),
                ('router', ('env', 'logging'), ('logRouter',)),
                ('small', ('env', 'logging'), ('syslog',)),
                ('compose', ('env', 'volumes', 'data'), ('seed', 'previousSeed')))
        for base, at, gone in none:
            for form in FORMS:
                root = self.bases.root(base)
                for key in gone:
                    drop(root, at + (key,))
                self.tree(f'none {base} {at[-1]} {form}', 'none', root, lambda p, at=at: p.key(at),
                          {'workload': form, 'env': form}, path=at)
        for product in ('hpvs', 'ccrt', 'ccrv'):
            for form in FORMS:
                root = self.bases.root('router')
                drop(root, ('env', 'logging'))
                self.tree(f'{product} without logging {form}', 'missing', root, lambda p: p.key(('env',)),
                          {'workload': 'block', 'env': form}, path=('env',), product=product)

    def products(self):
        for form in FORMS:
            for with_volumes in (True, False):
                root = self.bases.root('compose')
                if not with_volumes:
                    drop(root, ('workload', 'volumes'))
                    drop(root, ('env', 'volumes'))
                self.tree(f'ccrv compose {form} {with_volumes}', 'product', root,
                          lambda p: p.key(('workload', 'compose')), {'workload': form, 'env': form},
                          product='ccrv', keys=('app-ccrv.json /properties/workload/properties/compose',))
        root = self.bases.root('ccco')
        drop(root, ('workload', 'confidential-containers'))
        self.tree('ccco nothing to start', 'none', root, lambda p: p.key(('workload',)), product='ccco')
        root = self.bases.root('compose')
        put_out = [k for k in ('seed', 'previousSeed')]
        for key in put_out:
            drop(root, ('env', 'volumes', 'data', key))
        put(root, ('env', 'volumes', 'data', 'uv-secret-id'), 'index-1')
        self.tree('ccco needs seeds', 'product', root, lambda p: p.key(('env', 'volumes', 'data')),
                  product='ccco')

    def empty(self):
        for base, path in (('compose', ('workload', 'compose')), ('compose', ('env', 'logging')),
                           ('small', ('env', 'logging', 'syslog')),
                           ('router', ('env', 'logging', 'logRouter')),
                           ('compose', ('workload', 'auths', 'registry.example.com')),
                           ('compose', ('workload', 'volumes', 'data')),
                           ('compose', ('env', 'volumes', 'data'))):
            for what, node in (('braces', Map()), ('nothing', Raw('')), ('null', Raw('null')),
                               ('brackets', Raw('[]')), ('quotes', Raw('""'))):
                root = self.bases.root(base)
                put(root, path, node)
                self.tree(f'{base} {".".join(path)} empty {what}', 'empty', root,
                          lambda p, path=path, what=what: p.key(path) if what == 'braces'
                          else p.value(path))

    # ---- the documentation's own mistake: seed beside the volume's name, not beneath it ----

    def indentation(self):
        for section in ('workload', 'env'):
            for form in ('block', 'map'):
                for more in ({}, {'mount': '/mnt/data'} if section == 'workload' else {'volumeName': 'd'}):
                    root = self.bases.root('compose')
                    put(root, (section, 'volumes'), Map(
                        [('data', Raw('')), ('seed', Raw(SEED_W))] + [(k, Raw(v)) for k, v in more.items()]))
                    self.tree(f'{section} seed not beneath its volume {form} {len(more)}', 'indentation',
                              root, lambda p, s=section: p.key((s, 'volumes', 'seed')),
                              {'workload': form, 'env': form})
        for section, key in (('workload', 'compose'), ('env', 'logging')):
            for form in ('block', 'map'):
                root = self.bases.root('compose')
                inner = get(root, (section, key))
                put(root, (section, key), Raw(''))
                node = get(root, (section,))
                at = node.index(key) + 1
                node.items[at:at] = inner.items
                self.tree(f'{section} {key} not indented {form}', 'indentation', root,
                          lambda p, s=section, k=key: p.value((s, k)), {'workload': form, 'env': form})

    # ---- volumes ----

    def volume_names(self):
        seed = {'seed': SEED_E}
        for form in FORMS:
            forms = {'workload': form, 'env': form}
            root = self.bases.root('compose')
            put(root, ('env', 'volumes', 'more'), {'seed': SEED_E + 'c'})
            self.tree(f'volume only in env {form}', 'volumes', root,
                      lambda p: p.key(('env', 'volumes', 'more')), forms, id=NAMES,
                      path=('env', 'volumes', 'more'))
            root = self.bases.root('compose')
            put(root, ('workload', 'volumes', 'more'), {'seed': SEED_W + 'c', 'mount': '/mnt/more'})
            self.tree(f'volume only in workload {form}', 'volumes', root,
                      lambda p: p.key(('workload', 'volumes', 'more')), forms, id=NAMES,
                      path=('workload', 'volumes', 'more'))
            for section in ('workload', 'env'):
                other = {'workload': 'env', 'env': 'workload'}[section]
                root = self.bases.root('compose')
                drop(root, (section, 'volumes'))
                self.tree(f'no volumes in {section} {form}', 'volumes', root,
                          lambda p, o=other: p.key((o, 'volumes', 'data')), forms, id=NAMES)
                root = self.bases.root('compose')
                rename(root, (section, 'volumes', 'data'), 'Data'.lower() + '2')
                # the first in the order of the sections is said first
                self.tree(f'volume renamed in {section} {form}', 'volumes', root,
                          lambda p, s=section: p.key(
                              ('workload', 'volumes', 'data2' if s == 'workload' else 'data')),
                          forms, id=NAMES)
        self.tree('volumes equal', 'valid', self.with_volumes([('one', seed), ('two', {
            'seed': SEED_E + '2'})]), None, id=None, valid=True)

    def with_volumes(self, env):
        root = self.bases.root('compose')
        put(root, ('workload', 'volumes'), {
            name: {'seed': SEED_W + name, 'mount': '/mnt/' + name} for name, _ in env})
        put(root, ('env', 'volumes'), dict(env))
        return root

    def volume_ids(self):
        for form in FORMS:
            for one, two in (('serial-1', 'serial-1'), (UUID, UUID), ('serial-1', 'serial-2')):
                root = self.with_volumes([('one', {'seed': SEED_E + '1', 'volumeID': one}),
                                          ('two', {'seed': SEED_E + '2', 'volumeID': two})])
                at = ('env', 'volumes', 'two', 'volumeID')
                wrong = one == two
                self.tree(f'volumeID {one} and {two} {form}', 'volumes' if wrong else 'valid', root,
                          (lambda p, at=at: p.value(at)) if wrong else None,
                          {'workload': 'block', 'env': form}, id=SAME_DISK if wrong else None,
                          path=at if wrong else None, valid=not wrong)
        root = self.with_volumes([('one', {'seed': SEED_E + '1', 'volumeName': 'd'}),
                                  ('two', {'seed': SEED_E + '2', 'volumeName': 'd'})])
        self.tree('volumeName of both', 'valid', root, None, id=None, valid=True)

    def mounts(self):
        at = ('workload', 'volumes', 'data', 'mount')
        for path in ('/etc', '/usr', '/usr/local/data', '/proc', '/sys/fs', '/dev', '/dev/shm', '/run',
                     '/run/data', '/boot', '/root', '/bin', '/sbin', '/lib', '/lib64/x', '/var',
                     '/var/lib', '/var/lib/hpl/x', '/var/hyperprotect', '/var/run/x', '/etc/ssl'):
            for form in ('block', 'map'):
                root = self.bases.root('compose')
                put(root, at, path)
                self.tree(f'mount over {path} {form}', 'mounts', root, lambda p: p.value(at),
                          {'workload': form, 'env': 'block'}, id=MOUNT, path=at)
        for path in ('mnt/data', './data', '/', '//', '/mnt//data', '/mnt/../etc', '/mnt/.', '/mnt/data/',
                     '..', '', '/mnt/./data', '/..'):
            for form in FORMS:
                root = self.bases.root('compose')
                put(root, at, Raw(f'"{path}"'))
                self.tree(f'mount leaves "{path}" {form}', 'mounts', root, lambda p: p.value(at),
                          {'workload': form, 'env': 'block'}, path=at)
        for form in FORMS:
            root = self.with_volumes([('one', {'seed': SEED_E + '1'}), ('two', {'seed': SEED_E + '2'})])
            two = ('workload', 'volumes', 'two', 'mount')
            put(root, two, '/mnt/one')
            self.tree(f'mounts equal {form}', 'mounts', root, lambda p: p.value(two),
                      {'workload': form, 'env': 'block'}, id=MOUNT, path=two)
            root = self.with_volumes([('one', {'seed': SEED_E + '1'}), ('two', {'seed': SEED_E + '2'})])
            for name in ('one', 'two'):
                drop(root, ('workload', 'volumes', name, 'mount'))
            self.tree(f'mounts both by default {form}', 'mounts', root, lambda p: p.key(two[:-1]),
                      {'workload': form, 'env': 'block'}, id=MOUNT)
            root = self.with_volumes([('one', {'seed': SEED_E + '1'}), ('two', {'seed': SEED_E + '2'})])
            put(root, two, '/mnt/one/inner')
            self.tree(f'mounts one in the other {form}', 'valid', root, None,
                      {'workload': form, 'env': 'block'}, id=None, valid=True)

    def key_sources(self):
        seed = {'seed': SEED_E}
        kms = {'kms': [{'apiKey': CANARY + '-api-key', 'crn': CRN}]}
        grep11 = {'grep11': {'address': 'grep11.example.com:9876', 'clientCert': 'QUJD',
                             'clientKey': 'Q0FOQVJZ', 'caCert': 'QUJD',
                             'metadata': {'aesKeyBlob': 'QUJD'}}}
        for what, value in (('kms', {**seed, **kms}), ('grep11', {**seed, **grep11}),
                            ('uv-secret-id', {'uv-secret-id': 'index-3'}),
                            ('kms with type', {**seed, 'kms': [{**kms['kms'][0], 'type': 'private'}]}),
                            ('kms twice', {**seed, 'kms': kms['kms'] * 2, 'kmsTimeout': 20})):
            for form in FORMS:
                root = self.bases.root('compose')
                put(root, ('env', 'volumes', 'data'), value)
                at = ('env', 'volumes', 'data', what.split()[0])
                self.tree(f'key source {what} {form}', 'key source', root, lambda p, at=at: p.key(at),
                          {'workload': 'block', 'env': form}, id=KEY_SOURCE, path=at,
                          product='hpvs' if form != 'flow' else 'ccrt')

    # ---- contracts made before ----

    def legacy(self):
        log = {'logDNA': {'ingestionKey': 'CANARY'.lower() + '0' * 26, 'hostname': 'syslog-a.example.com'}}
        for n in (3, 8, 14):
            for section in ('workload', 'env'):
                for form in ('block', 'map', 'quoted', 'flow'):
                    root = self.bases.root('compose')
                    at = (section, 'volumes', 'data', 'seed')
                    put(root, at, 'x' * n)
                    forms = {'workload': form, 'env': form}
                    self.tree(f'seed of {n} in {section} {form}', 'legacy', root,
                              lambda p, at=at: p.value(at), forms, path=at)
                    self.tree(f'seed of {n} in {section} {form}, legacy', 'legacy', root,
                              lambda p, at=at: p.value(at), forms, path=at, id=LEGACY, valid=True,
                              legacy=True)
        for n in (1, 2):
            root = self.bases.root('compose')
            at = ('env', 'volumes', 'data', 'seed')
            put(root, at, 'x' * n)
            self.tree(f'seed of {n}, legacy', 'legacy', root, lambda p, at=at: p.value(at), path=at,
                      legacy=True)
        for form in FORMS:
            root = self.bases.root('router')
            put(root, ('env', 'logging'), log)
            at = ('env', 'logging', 'logDNA')
            forms = {'workload': 'block', 'env': form}
            self.tree(f'logDNA {form}', 'legacy', root, lambda p, at=at: p.key(at), forms)
            self.tree(f'logDNA {form}, legacy', 'legacy', root, lambda p, at=at: p.key(at), forms,
                      id=LEGACY, valid=True, legacy=True)

    # ---- what a guest stored is no contract ----

    def masked(self):
        for form in FORMS:
            forms = {'workload': form, 'env': form}
            for section in ('workload', 'env'):
                for key in ('seed', 'previousSeed'):
                    root = self.bases.root('compose')
                    at = (section, 'volumes', 'data', key)
                    put(root, at, '*' * len(SEED_W))
                    self.tree(f'{section} {key} masked {form}', 'masked', root,
                              lambda p, at=at: p.value(at), forms, path=at)
            root = self.bases.root('compose')
            for section in ('env', 'workload'):
                for key in ('seed', 'previousSeed'):
                    at = (section, 'volumes', 'data', key)
                    put(root, at, '*' * len(SEED_W))
            at = ('workload', 'volumes', 'data', 'seed')
            # in quotes all of a section have one place, and are said in the order of their paths
            self.tree(f'all masked {form}', 'masked', root, lambda p, at=at: p.value(at), forms,
                      path=None if form == 'quoted' else at)

    # ---- what is right and worth a word ----

    def warnings(self):
        for form in FORMS:
            forms = {'workload': form, 'env': form}
            for section, seed in (('workload', SEED_W), ('env', SEED_E)):
                root = self.bases.root('compose')
                at = (section, 'volumes', 'data', 'previousSeed')
                put(root, at, seed)
                self.tree(f'seed twice in {section} {form}', 'seed twice', root,
                          lambda p, at=at: p.key(at), forms, id=SEED_TWICE, valid=True, path=at)
            root = self.bases.root('compose')
            at = ('env', 'volumes', 'data', 'seed')
            put(root, at, SEED_W)
            self.tree(f'seed of both sections {form}', 'seed twice', root, lambda p, at=at: p.key(at),
                      forms, id=SEED_TWICE, valid=True, path=at)
            root = self.with_volumes([('one', {'seed': SEED_E}), ('two', {'seed': SEED_E})])
            at = ('env', 'volumes', 'two', 'seed')
            self.tree(f'seed of two volumes {form}', 'seed twice', root, lambda p, at=at: p.key(at),
                      forms, id=SEED_TWICE, valid=True, path=at)
            root = self.with_volumes([('one', {'seed': SEED_E}), ('two', {
                'seed': SEED_E + '2', 'previousSeed': SEED_E})])
            self.tree(f'seed of another volume is left {form}', 'valid', root, None, forms, id=None,
                      valid=True)
            root = self.bases.root('compose')
            put(root, ('workload', 'auths', 'registry.example.com'), {**login(), 'username': 'a:b'})
            at = ('workload', 'auths', 'registry.example.com', 'username')
            self.tree(f'colon in a user name {form}', 'registry', root, lambda p, at=at: p.value(at),
                      forms, id=REGISTRY, path=at)
            for port in ('0', '65536', '123456'):
                root = self.bases.root('compose')
                at = ('env', 'auths', 'registry.example.com:' + port)
                put(root, at, login())
                self.tree(f'registry port {port} {form}', 'registry', root, lambda p, at=at: p.key(at),
                          forms, id=REGISTRY)

    def extensions(self):
        at = ('env', 'attestation')
        for base in ('compose', 'play'):
            for form in FORMS:
                root = self.bases.root(base)
                put(root, at, {'layout': 'classic'})
                self.tree(f'extension {base} {form}', 'extension', root, lambda p: p.key(at),
                          {'workload': 'block', 'env': form}, id=EXTENSION, valid=True, path=at)

    def place_holders(self):
        for path, text in ((('workload', 'env', 'GREETING'), '<TEXT>'),
                           (('env', 'env', 'TARGET'), '<HOST-1>'),
                           (('workload', 'auths', 'registry.example.com', 'password'), '<PASSWORD>'),
                           (('env', 'volumes', 'data', 'volumeName'), '<NAME>'),
                           (('workload', 'auths', 'registry.example.com', 'username'), '<USER>')):
            for form in ('block', 'flow'):
                root = self.bases.root('compose')
                put(root, path, text)
                self.tree(f'place holder {text} {form}', 'place holder', root,
                          lambda p, path=path: p.value(path), {'workload': form, 'env': form},
                          id=PLACE_HOLDER, valid=True)

    def valid(self):
        """Every base in every form and for every product that takes it."""
        for base in self.bases.names:
            if base == 'keys':
                continue
            for product in self.bases.products(base):
                for form in FORMS:
                    root = self.bases.root(base)
                    id = {'router': 'HPL05016W', 'ccco': 'HPL05016W'}.get(base)
                    self.tree(f'{base} for {product} as {form}', 'valid', root, None,
                              {'workload': form, 'env': form}, id=id, valid=True, product=product)
        for extra in ('host-attestation', 'crypto-pt', 'x-unknown'):
            root = self.bases.root('compose')
            put(root, ('env', extra), tree({'host': {'description': 'd', 'host-key-doc': 'QUJD'}}))
            self.tree(f'extra {extra}', 'valid', root, None, id=None, valid=True)
        root = self.bases.root('compose')
        text, _ = write(root, {'workload': 'block', 'env': 'block'})
        for what, data in (('CRLF', text.replace('\n', '\r\n')), ('BOM', '\ufeff' + text),
                           ('comments', '# one\n\n' + text + '\n# end\n'), ('dashes', '---\n' + text)):
            self.corpus.add(Case(f'valid {what}', 'valid', data.encode(), id=None, valid=True))


