# SPDX-License-Identifier: Apache-2.0
"""Contracts that are right, of every kind; and samples for keys that none of them has."""
import re

import material
from emit import Map, Raw, get, put, tree
from material import b64, compose
from schema_keys import names_of

PRODUCTS = ('hpvs', 'ccrt', 'ccrv', 'ccco')
CANARY = 'CANARY'  # begins every secret; no output may hold it
SEED_W = CANARY + '-seed-of-workload-1'
SEED_E = CANARY + '-seed-of-deployer-1'
DCT_NAME = 'registry.example.com/team/app'
PGP = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ0000000000=\n-----END PGP PUBLIC KEY BLOCK-----\n'
REGO = 'package agent_policy\n\ndefault CreateContainerRequest := false\n'


def login(name=CANARY):
    return {'username': 'reader', 'password': name + '-password'}


class Bases:
    """root(NAME) is a fresh tree each time."""

    names = ('compose', 'play', 'router', 'ccco', 'keys', 'small')

    def __init__(self, mat):
        self.mat = mat

    def root(self, name):
        return getattr(self, name)()

    @staticmethod
    def products(name):
        return {'compose': ('hpvs', 'ccrt', 'ccco'), 'keys': ('hpvs', 'ccrt'),
                'ccco': ('ccco',)}.get(name, PRODUCTS)

    def syslog(self, form):
        m = self.mat
        if form == 'base64':
            return {'hostname': 'log.example.com', 'port': 6514, 'server': b64(m.ca_crt),
                    'cert': b64(m.client_crt), 'key': b64(m.client_key)}
        return {'hostname': 'log.example.com', 'server': m.ca_crt, 'cert': m.client_crt,
                'key': m.client_key}

    def compose(self):
        return tree({
            'workload': {
                'type': 'workload',
                'compose': {'archive': compose()},
                'env': {'GREETING': CANARY + ' hello'},
                'auths': {'registry.example.com': login()},
                'images': {'dct': {DCT_NAME: {'notary': 'https://notary.example.com',
                                              'publicKey': b64('key')}}},
                'volumes': {'data': {'seed': SEED_W, 'previousSeed': SEED_W + 'b',
                                     'mount': '/mnt/data', 'filesystem': 'ext4'}},
            },
            'env': {
                'type': 'env',
                'logging': {'syslog': self.syslog('base64')},
                'volumes': {'data': {'seed': SEED_E, 'previousSeed': SEED_E + 'b',
                                     'volumeName': 'data'}},
                'env': {'TARGET': CANARY + ' target'},
                'auths': {'https://index.docker.io/v1/': login()},
                'cacerts': [{'registry': b64(self.mat.ca_crt)}],
            },
            'attestationPublicKey': self.mat.auditor_pub,
        })

    def play(self):
        return tree({
            'env': {
                'type': 'env',
                'logging': {'syslog': self.syslog('pem')},
                'volumes': {'data': {'seed': SEED_E}},
            },
            'workload': {
                'type': 'workload',
                'play': {
                    'resources': [self.pod('web'), self.config_map()],
                    'templates': [self.pod('job')],
                },
                'images': {'rhs': {DCT_NAME + ':1': {'publicKey': b64(PGP)}}},
                'volumes': {'data': {'seed': SEED_W, 'filesystem': 'xfs'}},
            },
        })

    @staticmethod
    def pod(name):
        return {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': name},
                'spec': {'containers': [{'name': name, 'image': material.IMAGE}],
                         'restartPolicy': 'Never'}}

    @staticmethod
    def config_map():
        return {'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'settings'},
                'data': {'MODE': CANARY + ' mode'}}

    def router(self):
        return tree({
            'workload': {'type': 'workload', 'play': {'resources': [self.pod('web')]}},
            'env': {'type': 'env', 'logging': {'logRouter': {
                'hostname': 'logs.example.com', 'iamApiKey': CANARY + '-api-key', 'port': 443}}},
        })

    @staticmethod
    def keys_of_cc():
        return {'verificationKey': 'verify', 'decryptionKey': CANARY + ' decrypt'}

    def ccco(self):
        return tree({
            'workload': {
                'type': 'workload',
                'confidential-containers': {
                    'regoValidator': {'policy': REGO},
                    'allowedContainers': {'web': {'allowedImages': {
                        'imageNames': [material.IMAGE]}}},
                    'secret': self.keys_of_cc(),
                },
            },
            'env': {'type': 'env', 'confidential-containers': {'secret': self.keys_of_cc()}},
            'boot': {'sehdr': b64('header')},
        })

    def keys(self):
        """Sources of keys that this runtime has not: right by its form, refused (HPL05018E)."""
        root = self.router()
        put(root, ('env', 'logging'), {'syslog': self.syslog('base64')})
        put(root, ('workload', 'volumes'), {'data': {'seed': SEED_W}})
        put(root, ('env', 'volumes'), {'data': {
            'seed': SEED_E,
            'kms': [{'apiKey': CANARY + '-api-key', 'crn': CRN, 'type': 'public'}],
            'kmsTimeout': 10, 'volumeID': 'vol-1', 'apiKey': CANARY + '-api-key'}})
        return root

    def small(self):
        return tree({
            'workload': {'type': 'workload', 'play': {'resources': [self.pod('web')]}},
            'env': {'type': 'env', 'logging': {'syslog': {
                'hostname': 'log.example.com', 'server': b64(self.mat.ca_crt),
                'cert': b64(self.mat.client_crt), 'key': b64(self.mat.client_key)}}},
        })

    def for_path(self, path):
        """The names of the bases that may be given what is at path."""
        text = '.'.join(str(p) for p in path)
        for pattern, names in (
                (r'^workload\.compose', ['compose']),
                (r'^workload\.play', ['play']),
                (r'^(workload|env)\.confidential-containers|^boot', ['ccco']),
                (r'^env\.logging\.logRouter', ['router']),
                (r'^env\.logging\.syslog', ['compose', 'play', 'small']),
                (r'^env\.volumes\.[^.]+\.(kms|grep11|uv-|apiKey|volumeID)', ['keys']),
                (r'^workload\.images', ['compose', 'play']),
                (r'^env\.signingKey|^envWorkloadSignature', ['small'])):
            if re.search(pattern, text):
                return names
        return ['compose', 'play']


CRN = 'crn:v1:bluemix:public:hs-crypto:us-south:a/1234:5678:key:abcd'
# samples that the schema alone does not give: by the end of a path
HINTS = {
    ('uv-secret-id',): 'index-1',
    ('uv-previous-secret-id',): 'index-2',
    ('grep11', 'address'): 'grep11.example.com:9876',
    ('crn',): CRN,
    ('layout',): 'classic',
    ('ingestionKey',): '0123456789abcdef' * 2,
    ('image',): material.IMAGE,
    ('compose', 'archive'): compose(),
    ('play', 'archive'): b64(material.archive({'pod.yaml': material.POD % material.IMAGE})),
}
STRINGS = ('a plain value of its own', 'PLAINVALUE000000', 'plain-value', 'index-1', '/mnt/other',
           'grep11.example.com:9876', CRN, 'https://notary.example.com', 'log.example.com',
           b64('CANARY value'), '8080', '64Mi', '100m', '0644', 'Always', 'a')
SECRET = re.compile(r'(seed|Seed|password|Key|secret|Secret|env\.[^.]+|value)$')
FORMATS = {
    'base64-text': b64('CANARY text'), 'hostname': 'log.example.com', 'ip': '192.0.2.1',
    'uri': 'https://notary.example.com',
}


def sample(view, path, mat):
    """A value that fits the view."""
    for end, value in HINTS.items():
        if path[-len(end):] == end:
            return value
    if 'cacerts' in path and isinstance(path[-1], str) and path[-1] != 'cacerts':
        return b64(mat.ca_crt)
    if 'rhs' in path and path[-1] == 'publicKey':
        return b64(PGP)
    if view.all('const'):
        return view.one('const')
    if view.all('enum'):
        return view.one('enum')[0]
    types = view.types() or set()
    if 'object' in types:
        return {k: sample(view.child(k), path + (k,), mat) for k in members(view)}
    if 'array' in types:
        item = view.item()
        return [sample(item, path + (0,), mat)] if item else []
    if 'boolean' in types:
        return True
    if types & {'integer', 'number'}:
        return max(1, view.one('minimum', 1))
    if 'string' in types or not types:
        return sample_text(view, path, mat)
    raise KeyError(f'no sample for {path}')


def members(view):
    """What a sample mapping holds: what it must, else something."""
    names = view.required() + [n for n in ('image',) if n in view.property_names()]
    for choice in view.alternatives():
        if choice and not set(choice) & set(names):
            names.append(choice[0])
    return list(dict.fromkeys(names or (names_of(view) + view.property_names())[:1]))


def sample_text(view, path, mat):
    formats = set(view.all('format'))
    for branch in view.one('anyOf', []) + view.one('oneOf', []):
        formats.add(branch.get('format'))
    for fmt in sorted(f for f in formats if f):
        if fmt in FORMATS:
            return FORMATS[fmt]
        if fmt.startswith('pem-'):
            return {'pem-public-key': mat.auditor_pub, 'pem-public-key-or-certificate': mat.auditor_pub,
                    'pem-private-key': mat.client_key}.get(fmt, mat.client_crt)
    length = view.one('minLength', 0)
    secret = SECRET.search('.'.join(map(str, path)))
    for text in ((CANARY + ' value 000000000', CANARY + 'VALUE00000') if secret else ()) + STRINGS:
        if len(text) >= length and all(re.search(p, text) for p in view.all('pattern')):
            return text
    raise KeyError(f'no sample string for {path}: add one to STRINGS or HINTS')


# what has to go, or to come along, when something is added
TOGETHER = {
    'uv-secret-id': lambda root, at: put_out(root, at, ('seed', 'previousSeed', 'kms', 'kmsTimeout')),
    'uv-previous-secret-id': lambda root, at: (
        put_out(root, at, ('seed', 'previousSeed', 'kms', 'kmsTimeout')),
        put(root, at + ('uv-secret-id',), 'index-1')),
    'grep11': lambda root, at: put_out(root, at, ('kms', 'kmsTimeout')),
}


def put_out(root, at, names):
    node = get(root, at)
    node.items = [[k, v] for k, v in node.items if k not in names]


def ensure(root, path, top, mat):
    """Adds what is missing until there is something at path."""
    view = top
    for i, step in enumerate(path):
        view = view.item() if isinstance(step, int) else view.child(step)
        here = path[:i + 1]
        node = get(root, here)
        if node is None:
            parent = get(root, path[:i])
            if isinstance(parent, Raw):  # an empty list or mapping, written as {} or []
                put(root, path[:i], Map() if not isinstance(step, int) else [])
            if step in TOGETHER:
                TOGETHER[step](root, path[:i])
            put(root, here, sample(view, here, mat))
    return view
