#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl, hpl-explain and the verbs new, validate, show and plan of hpl-contract, run as programs.

test_tool.py HPL HPL-EXPLAIN HPL-CONTRACT: prints TAP.
"""
import itertools
import json
import os
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import traceback

from material import DIGEST, Material, archive, b64


class Tool:
    """The programs in one folder, as they are installed."""

    def __init__(self, programs, folder):
        self.bin = os.path.join(folder, 'bin')
        os.mkdir(self.bin)
        for p in programs:
            shutil.copy(p, self.bin)
        self.folder = folder
        self.m = Material(folder)

    def run(self, *args, stdin='', env=None, fds=()):
        environment = dict(os.environ, PATH='/usr/bin:/bin', **(env or {}))
        r = subprocess.run([os.path.join(self.bin, 'hpl'), *args], input=stdin.encode(),
                           capture_output=True, cwd=self.folder, env=environment, pass_fds=fds,
                           check=False)
        return r.returncode, r.stdout.decode(), r.stderr.decode()

    def validate(self, *args, stdin=''):
        rc, out, err = self.run('contract', 'validate', '--format', 'json', *args, stdin=stdin)
        assert err == '', err
        return rc, json.loads(out)

    def file(self, name, text):
        self.m.path(name, text)
        return name


def equal(got, want):
    assert got == want, f'got {got!r}, not {want!r}'


def has(text, *words):
    for w in words:
        assert w in text, f'{w!r} is not in:\n{text}'


# ---- hpl ----

def test_front_lists_its_nouns(t):
    rc, out, err = t.run('help')
    equal(rc, 0)
    has(out, 'contract       make, check and read the contract', 'explain        say what a message id')
    rc, out, err = t.run()
    equal((rc, out), (2, ''))
    has(err, 'Nouns:')


def test_front_says_what_was_meant(t):
    rc, out, err = t.run('contrcat', 'validate')
    equal((rc, out), (2, ''))
    has(err, 'hpl: there is no hpl-contrcat; did you mean hpl contract?')
    rc, _, err = t.run('../bin/hpl-contract')
    equal(rc, 2)
    has(err, 'there is no hpl-../bin/hpl-contract')


def test_front_passes_arguments_and_the_exit_status_on(t):
    equal(t.run('--version')[0], 0)
    rc, out, _ = t.run('contract', '--version')
    equal(rc, 0)
    has(out, 'hpl contract ')
    has(t.run('help', 'explain')[1], 'Usage: hpl explain')
    equal(t.run('explain', '--bad')[0], 2)
    own = os.path.join(t.folder, 'elsewhere')
    os.mkdir(own)
    with open(os.path.join(own, 'hpl-words'), 'w', encoding='ascii') as f:
        f.write('#!/bin/sh\nfor a; do echo "[$a]"; done\nexit 7\n')
    os.chmod(f.name, 0o755)
    rc, out, _ = t.run('words', 'a b', '--x', env={'HOME': '/'})
    equal(rc, 2)
    os.environ['PATH_WAS'] = ''
    r = subprocess.run([os.path.join(t.bin, 'hpl'), 'words', 'a b', '--x'], capture_output=True,
                       env={'PATH': own}, check=False)
    equal((r.returncode, r.stdout), (7, b'[a b]\n[--x]\n'))


# ---- explain ----

def test_explain_prints_an_entry(t):
    rc, out, _ = t.run('explain', 'HPL05001E')
    equal(rc, 0)
    has(out, 'HPL05001E (error, said by contract)', 'text:', 'happened:', 'to do:',
        'the same contract fails again')
    rc, out, _ = t.run('explain', 'Nov 21 guest catch[9]: HPL10000E: One or more', 'hpl05012w')
    equal(rc, 0)
    has(out, 'HPL10000E (', 'HPL05012W (warning, said by contract)')


def test_explain_for_programs(t):
    rc, out, _ = t.run('explain', '--format', 'json', 'HPL13000I')
    entries = json.loads(out)
    equal((rc, len(entries)), (0, 2))  # this id stands for two messages
    rc, out, _ = t.run('explain', '--list', '--part', 'signature', '--format', 'json')
    ids = [e['id'] for e in json.loads(out)]
    assert 'HPL12001E' in ids and not any(i.startswith('HPL05') for i in ids)


def test_explain_refuses_what_is_no_id(t):
    rc, _, err = t.run('explain', 'HPL05901E')
    equal(rc, 2)
    has(err, 'no id HPL05901E; did you mean HPL05001E?')
    has(t.run('explain', 'nonsense')[2], 'is no message id')
    equal(t.run('explain')[0], 2)
    equal(t.run('explain', '--part', 'contract', 'HPL05001E')[0], 2)


# ---- the frame ----

def test_wrong_calls_are_told_with_a_hint(t):
    for args, words in [
            (['validte'], 'unknown verb validte; did you mean validate?'),
            (['validate', '--prodct', 'x', 'f'], 'unknown option --prodct; did you mean --product?'),
            (['validate', '--product', 'hpsv', 'f'], '--product must be one of: hpvs, ccrt, ccrv, ccco'),
            (['validate', '-k', 'f'], 'options begin with two dashes'),
            (['validate', '--legacy=1', 'f'], '--legacy takes no value'),
            (['validate', '--key'], '--key needs a value'),
            (['validate', '--key', 'a', '--key', 'b', 'f'], '--key is given twice'),
            (['validate'], 'which file?'),
            (['show'], 'is missing'),
            (['show', 'a', 'b'], 'more arguments'),
            (['validate', 'no-such-file'], 'no-such-file'),
            (['validate', '--passphrase-file', 'x', 'f'], '--passphrase-file goes with --key')]:
        rc, out, err = t.run('contract', *args)
        equal((args, rc, out), (args, 2, ''))
        has(err, words)


def test_output_that_cannot_be_written_is_no_success(t):
    with open('/dev/full', 'wb') as full:
        r = subprocess.run([os.path.join(t.bin, 'hpl-contract'), 'new'], stdout=full,
                           stderr=subprocess.PIPE, check=False)
    equal(r.returncode, 2)
    has(r.stderr.decode(), 'could not be written')


def on_terminal(t, *args, env=None):
    out = []

    def read(fd):
        data = os.read(fd, 65536)
        out.append(data)
        return b''
    before = dict(os.environ)
    os.environ.pop('NO_COLOR', None)
    os.environ.update(env or {})
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(t.folder)
        os.execv(os.path.join(t.bin, 'hpl'), ['hpl', *args])
    try:
        while True:
            read(fd)
    except OSError:
        pass
    os.close(fd)
    os.waitpid(pid, 0)
    os.environ.clear()
    os.environ.update(before)
    return b''.join(out).decode()


def test_colours_on_a_terminal_only(t):
    name = t.file('red.yaml', 'workload: {type: workload}\nenv: {type: env}\n')
    assert '\033' in on_terminal(t, 'contract', 'validate', name)
    assert '\033' not in on_terminal(t, 'contract', 'validate', name, env={'NO_COLOR': '1'})
    assert '\033' not in t.run('contract', 'validate', name)[1]


def test_nothing_of_a_file_commands_the_terminal(t):
    text = 'workload: {type: workload, "a\\e[31mb": {"\\x9b2J": 1}}\nenv: {type: env, "volumes": {"\\a": 1}}\n'
    name = t.file('escape.yaml', text)
    for verb in ('validate', 'show', 'plan'):
        _, out, err = t.run('contract', verb, name)
        for c in (out + err):
            assert c == '\n' or 0x20 <= ord(c) < 0x7f or ord(c) >= 0xa0, (verb, out + err)


def test_no_bus_in_the_tools(t):
    for name in os.listdir(t.bin):
        out = subprocess.run(['ldd', os.path.join(t.bin, name)], capture_output=True, check=True).stdout
        symbols = subprocess.run(['nm', '-D', os.path.join(t.bin, name)], capture_output=True,
                                 check=True).stdout
        for word in (b'zmq', b'libuv', b'uv_'):
            assert word not in out and word not in symbols, (name, word)


# ---- validate ----

FAULTY = '''workload: |
  type: workload
  compose:
    archive: H4sIAAAA
  volumes:
    data:
      seed: CANARY
      mounts: /x
env:
  type: env
  logging:
    syslog: {hostname: logs.example.com, server: "CANARY\\x21"}
'''


def test_validate_shows_all_faults_without_values(t):
    rc, out, err = t.run('contract', 'validate', t.file('faulty.yaml', FAULTY))
    equal((rc, err), (1, ''))
    has(out, 'faulty.yaml:7:13: error HPL05001E workload.volumes.data.seed: has 6 characters',
        '      7 |       seed: ********\n        |             ^\n',
        'faulty.yaml:8:7: error HPL05001E workload.volumes.data.mounts: is not known here',
        '  cure: did you mean "mount"?\n',
        'faulty.yaml:12:50: error HPL05001E env.logging.syslog.server:',
        '     12 |     syslog: ********\n')
    assert 'CANARY' not in out
    errors = sum(': error ' in line for line in out.splitlines())
    equal(out.splitlines()[-1], f'faulty.yaml: {errors} errors')


def test_validate_with_a_key_provider(t):
    text = FAULTY.replace('      seed: CANARY\n      mounts: /x\n', '      seed: CANARY-CANARY-1\n') + '''  volumes:
    data:
      seed: CANARY-CANARY-2
      kms:
        - {apiKey: CANARY-CANARY, crn: "crn:v1:bluemix:public:kms:us-south:a/1:2:key:3"}
'''
    name = t.file('provider.yaml', text)

    def said(*args):
        out = t.run('contract', 'validate', *args, name)[1]
        assert 'CANARY' not in out, out
        return out
    has(said(), "provider.yaml:15:7: error HPL05018E env.volumes.data.kms: volume 'data' asks by kms for the "
        "key provider 'kms', which is not in this image", 'cure: use seeds alone, or an image with that provider')
    out = said('--provider', 'kms')
    has(out, 'workload.compose.archive')  # the rest is said all the same
    assert 'HPL05018E' not in out, out
    rc, out, err = t.run('contract', 'validate', '--provider', 'uv-secret', name)
    equal((rc, out), (2, ''))
    has(err, '--provider must be one of: kms')


def test_validate_for_programs(t):
    rc, got = t.validate(t.file('faulty.yaml', FAULTY))
    equal((rc, got['file'], got['product'], got['valid'], got['unopened']),
          (1, 'faulty.yaml', 'hpvs', False, []))
    mounts = [f for f in got['faults'] if f['path'] == 'workload.volumes.data.mounts']
    equal(len(mounts), 1)
    equal((mounts[0]['id'], mounts[0]['severity'], mounts[0]['line'], mounts[0]['column'],
           mounts[0]['keyword']), ('HPL05001E', 'error', 8, 7, 'additionalProperties'))
    has(mounts[0]['cure'], '"mount"')
    equal(mounts[0]['fix'], {'action': 'rename', 'text': 'mount'})


def test_validate_many_files(t):
    good = t.file('good.yaml', t.m.plain())
    bad = t.file('faulty.yaml', FAULTY)
    rc, got = t.validate(good, bad, good)
    equal((rc, [g['valid'] for g in got]), (1, [True, False, True]))
    rc, out, _ = t.run('contract', 'validate', '--format', 'jsonl', good, bad)
    equal((rc, [json.loads(line)['valid'] for line in out.splitlines()]), (1, [True, False]))
    rc, out, _ = t.run('contract', 'validate', good, bad, 'absent')
    equal(rc, 2)
    has(out, 'good.yaml: valid for hpvs', 'faulty.yaml: ')


def test_validate_good_contract(t):
    rc, out, _ = t.run('contract', 'validate', t.file('good.yaml', t.m.plain()))
    equal((rc, out.splitlines()[-1]), (0, 'good.yaml: valid for hpvs'))
    rc, out, _ = t.run('contract', 'validate', '--product', 'ccrt', '-', stdin=t.m.plain())
    equal((rc, out.splitlines()[-1]), (0, 'standard input: valid for ccrt'))
    rc, got = t.validate('--product', 'ccrv', 'good.yaml')  # it has compose
    equal(rc, 1)


def test_validate_encrypted(t):
    name = t.file('enc.yaml', t.m.encrypted())
    rc, out, _ = t.run('contract', 'validate', name)
    equal(rc, 0)
    has(out, 'enc.yaml: workload: encrypted, not looked at; give --key to look inside\n',
        'enc.yaml: env: encrypted', 'enc.yaml: valid for hpvs as far as it was looked at')
    for key in (['--key', 'image.key'], ['--key', 'locked.key', '--passphrase-file', 'passphrase']):
        rc, got = t.validate(*key, name)
        equal((rc, got['valid'], got['unopened']), (0, True, []))
    rc, got = t.validate('--key', 'other.key', name)
    equal((rc, got['unopened']), (1, ['workload', 'env', 'attestationPublicKey']))
    rc, _, err = t.run('contract', 'validate', '--key', 'locked.key', name)
    equal(rc, 2)
    with open(os.path.join(t.folder, 'image.key'), 'rb') as f:
        rc, got = t.run('contract', 'validate', '--key', f'/dev/fd/{f.fileno()}', name,
                        fds=[f.fileno()])[:2]
        equal(rc, 0)


def test_validate_places_inside_encrypted_sections(t):
    faulty = t.m.workload().replace('filesystem: xfs', 'filesystem: zfs')
    line = 1 + faulty.splitlines().index('    filesystem: zfs')
    name = t.file('enc.yaml', t.m.encrypted(workload=faulty))
    _, got = t.validate('--key', 'image.key', name)
    places = [(f['file'], f['line'], f['column']) for f in got['faults'] if f['severity'] == 'error']
    equal(places, [('enc.yaml (workload, decrypted)', line, 17)])
    # what stands behind an opened section keeps its place in the file
    text = t.m.encrypted(workload=faulty).replace('attestationPublicKey:', 'attestationPublicKey: x\nold:')
    _, got = t.validate('--key', 'image.key', t.file('enc.yaml', text))
    line = 1 + text.splitlines().index('attestationPublicKey: x')
    equal([(f['file'], f['line']) for f in got['faults'] if f['path'] == 'attestationPublicKey'
           and f['severity'] == 'error'], [('enc.yaml', line)])


def test_validate_encrypted_json(t):
    text = json.dumps({'workload': t.m.token(t.m.workload().replace('xfs', 'zfs')),
                       'env': {'type': 'env', 'logging': {}}})
    _, got = t.validate('--key', 'image.key', t.file('enc.json', text))
    files = {f['file'] for f in got['faults'] if f['path'].startswith('workload.volumes.data.filesystem')}
    equal(files, {'enc.json (workload, decrypted)'})
    lines = {f['line'] for f in got['faults'] if f['path'].startswith('env')}
    equal(lines, {1})


def test_validate_sections_alone(t):
    for name, text in (('w.yaml', t.m.workload()), ('e.yaml', t.m.env())):
        rc, got = t.validate(t.file(name, text))
        equal((name, rc, got['faults'], got['unopened']), (name, 0, [], []))
    rc, got = t.validate(t.file('w.yaml', t.m.workload().replace('xfs', 'zfs')))
    equal((rc, len(got['faults']), got['faults'][0]['path']), (1, 1, 'workload.volumes.data.filesystem'))
    token = t.file('w.token', t.m.token(t.m.workload()))
    rc, got = t.validate('--key', 'image.key', token)
    equal((rc, got['unopened']), (0, []))
    rc, got = t.validate('--section', 'workload', token)
    equal((rc, got['unopened']), (0, ['workload']))
    equal(t.validate(token)[0], 1)
    equal(t.validate('--section', 'attestationPublicKey', t.file('pub', t.m.public))[0], 0)
    equal(t.validate('--section', 'attestationPublicKey', t.file('pub', 'nothing'))[0], 1)
    equal(t.validate('--section', 'env', t.file('w.yaml', t.m.workload()))[0], 1)


def test_validate_what_is_no_contract(t):
    for text in ('', 'a: [1\n', '- a\n', 'workload: "abc\n', '\0', 'x: &a [*a]\n'):
        rc, got = t.validate(t.file('no.yaml', text))
        equal((text, rc, got['valid'], got['faults'][0]['severity']), (text, 1, False, 'error'))


def test_validate_takes_no_quadratic_time(t):
    keys = ''.join(f'      K{i}: {{}}\n' for i in range(60000))
    empty = ''.join(f'    v{i}:\n' for i in range(60000))
    text = f'workload:\n  type: workload\n  volumes:\n{empty}  images:\n    rhs:\n{keys}'
    more = ''.join(f'  x{i}: 1\n' for i in range(60000))
    name = t.file('long.yaml', text + more)
    begin = time.monotonic()
    equal(t.run('contract', 'validate', name)[0], 1)
    took = time.monotonic() - begin
    # 0.3 s when it is linear, minutes when each key looks at all others
    assert took < 20, f'{took} s'


def test_validate_network_config_runs_its_program(t):
    fake = os.path.join(t.bin, 'hpl-network')
    with open(fake, 'w', encoding='ascii') as f:
        f.write('#!/bin/sh\necho "$@"\nexit 1\n')
    os.chmod(fake, 0o755)
    rc, out, _ = t.run('contract', 'validate', '--format', 'json', '--network-config', 'a b')
    os.unlink(fake)
    equal((rc, out), (1, 'validate a b --format json\n'))
    rc, _, err = t.run('contract', 'validate', '--network-config', 'n')
    equal(rc, 2)
    has(err, 'cannot run hpl-network')


# ---- secrets ----

def outputs(t, name, *key):
    for verb, formats in (('validate', ('text', 'json', 'jsonl')), ('plan', ('text', 'json')), ('show', (None,))):
        for f in formats:
            args = ['--format', f] if f else []
            _, out, err = t.run('contract', verb, *args, *key, name)
            yield f'{verb} {f}', out + err


def test_no_secret_in_any_output(t):
    secrets = t.m.secrets()
    for name, text in (('plain.yaml', t.m.plain()), ('enc.yaml', t.m.encrypted())):
        for what, out in outputs(t, t.file(name, text), '--key', 'image.key'):
            has(out, name if what.startswith('validate') else 'logs.example.com')
            for s in secrets:
                assert s not in out, f'{what} of {name} shows {s}'


def test_no_secret_in_faults(t):
    """Each value of a good contract broken in turn, in ways that make it hold its neighbours."""
    secrets = t.m.secrets()
    good = t.m.plain().splitlines()
    names = []
    for i, line in enumerate(good):
        if ':' not in line or len(line) > 400:
            continue
        for k, broken in enumerate([line + ' "', line.replace(': ', ':', 1), ' ' + line,
                                    line.replace(': ', ': [', 1), line + '\x01', '\t' + line]):
            names.append(t.file(f'broken-{i}-{k}.yaml', '\n'.join(good[:i] + [broken] + good[i + 1:])))
    assert len(names) > 100
    for fmt in ('text', 'json'):
        rc, out, err = t.run('contract', 'validate', '--format', fmt, *names)
        equal(rc, 1)
        for s in secrets:
            assert s not in out + err, f'{fmt} shows {s}: ' + next(
                x for x in (out + err).splitlines() if s in x)
    for name in names[::9]:
        for what, out in outputs(t, name):
            for s in secrets:
                assert s not in out, f'{what} of {name} shows {s}'


# ---- show ----

def test_show_masks_and_summarises(t):
    rc, out, _ = t.run('contract', 'show', t.file('plain.yaml', t.m.plain()))
    equal(rc, 0)
    has(out, '      seed: <hidden, 18 characters>\n', '      mount: /mnt/data\n', 'username: walter',
        'archive: <archive of 2 files (docker-compose.yaml, .env)>', 'A: <hidden, 12 characters>',
        'server: <certificate of CN=Test CA, RSA of 2048 bits, valid until 20',
        'signingKey: <RSA public key of 2048 bits>', '      key: <hidden, ')
    rc, opened, _ = t.run('contract', 'show', '--key', 'image.key',
                          t.file('enc.yaml', t.m.encrypted()))
    equal(rc, 0)
    has(opened, 'attestationPublicKey: <RSA public key of 2048 bits>')
    equal([x for x in opened.splitlines() if not x.startswith('attest')], out.splitlines())
    rc, closed, _ = t.run('contract', 'show', 'enc.yaml')
    has(closed, 'workload: <encrypted, a token of ')
    rc, values, _ = t.run('contract', 'show', '--env-values', 'plain.yaml')
    has(values, 'A: CANARY-ENV-W', 'PORT: "9090"')
    assert 'CANARY-SEED' not in values and 'CANARY-PASS' not in values


def test_show_is_yaml_with_the_same_keys(t):
    import yaml
    _, out, _ = t.run('contract', 'show', t.file('plain.yaml', t.m.plain()))
    shown, given = yaml.safe_load(out), yaml.safe_load(t.m.plain())

    def keys(n):
        return {k: keys(v) for k, v in n.items()} if isinstance(n, dict) else None
    equal(keys(shown['workload']), keys(yaml.safe_load(given['workload'])))
    equal(keys(shown['env']), keys(yaml.safe_load(given['env'])))


def test_show_of_a_broken_contract(t):
    rc, out, err = t.run('contract', 'show', t.file('no.yaml', 'a: [1\n'))
    equal((rc, out), (1, ''))
    has(err, 'no.yaml:1:')


# ---- plan ----

def test_plan_of_a_contract(t):
    name = t.file('enc.yaml', t.m.encrypted())
    rc, out, _ = t.run('contract', 'plan', '--key', 'image.key', '--format', 'json', name)
    plan = json.loads(out)
    equal((rc, plan['valid'], plan['stops_at'], plan['workload']), (0, True, None, 'compose'))
    equal(plan['volumes'], [{
        'name': 'data', 'device': 'the disk with the serial or LUKS label disk-1, else data; '
        'else the only disk that is left', 'mount': '/mnt/data',
        'filesystem': 'xfs', 'seeds': {'workload': 'current and previous', 'env': 'current'},
        'rolled': True}])
    equal(plan['containers'], [{
        'name': 'web', 'of': 'docker-compose.yaml', 'image': f'registry.example/space/web@{DIGEST}',
        'allowed': 'pinned by its digest', 'ports': ['8080:80', '9090:90'], 'privileged': False}])
    variables = {e['name']: (e['from'], e['overrides']) for e in plan['environment']}
    equal(variables, {'A': ('workload', None), 'B': ('env', None), 'BOTH': ('workload', 'env'),
                      'PORT': ('workload', None), 'EXTRA': ('.env of the archive', None)})
    equal(plan['registries'], [{'registry': 'registry.example', 'user': 'walter', 'from': 'workload',
                                'overrides': 'env'}])
    equal(plan['logging']['host'], 'logs.example.com')
    equal(plan['logging']['port'], 6514)
    has(plan['logging']['tls'], 'mutual')
    equal((plan['signature']['signed'], plan['signature']['verified'],
           plan['signature']['does_not_cover']), (True, 'yes', ['attestationPublicKey']))
    has(plan['attestation']['record'], 'encrypted')
    equal([s['part'] for s in plan['order']][0], 'bootloader')


KMS = 'kms: [{apiKey: CANARY-CANARY, crn: "crn:v1:bluemix:public:kms:us-south:a/1:2:key:3"}]'


def volumes_plan(t, env, *options, names='abcd', edit=lambda text: text):
    """The plan of a contract with the volumes a, b, ...; env: what they have besides their seeds."""
    work = 'workload:\n  type: workload\n  play: {}\n  volumes:\n' + ''.join(
        f'    {n}: {{seed: CANARY-SEED-W-{n}, mount: /mnt/{n}}}\n' for n in names)
    other = 'env:\n  type: env\n  logging: {logRouter: {hostname: l.example.com, iamApiKey: CANARY-EXTRA}}\n' \
        '  volumes:\n' + ''.join(f'    {n}: {{seed: CANARY-SEED-E-{n}, {env.get(n, "")}}}\n' for n in names)
    rc, out, err = t.run('contract', 'plan', *options, '--format', 'json', t.file('v.yaml', edit(work + other)))
    assert 'CANARY' not in out and not err, (out, err)
    plan = json.loads(out)
    return rc, plan['volumes'], [(s['part'], s['does']) for s in plan['order']]


def test_plan_says_which_disk_is_taken(t):
    rc, volumes, _ = volumes_plan(t, {'a': 'volumeID: s-1, volumeName: n', 'b': 'volumeName: n', 'c': 'volumeName: c'})
    left = 'else the only disk that is left when each other volume has found its own'
    equal((rc, [v['device'] for v in volumes]), (0, [
        'the disk with the serial or UUID s-1, no other',
        f'the disk with the serial or LUKS label n, else b; {left}',
        f'the disk with the serial or LUKS label c; {left}',
        f'the disk with the serial or LUKS label d; {left}']))
    _, volumes, _ = volumes_plan(t, {}, names='a')
    equal(volumes[0]['device'], 'the disk with the serial or LUKS label a; else the only disk that is left')
    equal(volumes[0]['seeds'], {'workload': 'current', 'env': 'current'})


def test_plan_counts_the_seeds(t):
    def seeds(env, *options, names='ab'):
        rc, volumes, order = volumes_plan(t, env, *options, names=names)
        equal(rc, 0)
        steps = dict(order)
        return steps.get('key-kms'), steps['luks-passphrase'], [v['seeds'].get('third') for v in volumes]
    equal(seeds({}), (None, "makes each volume's passphrase of its two seeds", [None, None]))
    said, passphrases, third = seeds({'a': KMS}, '--provider', 'kms')
    has(said, 'gets the third seed of 1 volume from its key service')
    equal((passphrases, third), ('makes the passphrase of 1 volume of three seeds, of the others of two',
                                 ['of the key provider kms', None]))
    said, passphrases, _ = seeds({'a': KMS, 'b': KMS}, '--provider', 'kms')
    has(said, 'of 2 volumes')
    equal(passphrases, "makes each volume's passphrase of its three seeds")
    rows = json.loads(t.run('contract', 'plan', '--provider', 'kms', '--format', 'json', 'v.yaml')[1])['secrets']
    equal([(r['secret'], r['guest_services']) for r in rows if 'kms' in r['secret']],
          [(f'env.volumes.{n}.kms', 'bootloader, contract, key-kms') for n in 'ab'])


def test_plan_of_volumes_while_a_section_is_closed(t):
    def close(section):
        def edit(text):
            inner = {n: part for n, part in zip(('workload', 'env'), re.split('^env:\\n', text[10:], flags=re.M))}
            return ''.join(f'{n}: {t.m.token(textwrap.dedent(p))}\n' if n == section else f'{n}:\n{p}'
                           for n, p in inner.items())
        return edit
    rc, volumes, order = volumes_plan(t, {'a': 'volumeID: s-1', 'b': 'previousSeed: CANARY-SEED-OLD-1'}, names='ab',
                                      edit=close('workload'))
    closed = 'not known, workload is encrypted'
    equal((rc, volumes[0]), (0, {
        'name': 'a', 'device': 'the disk with the serial or UUID s-1, no other', 'mount': closed,
        'filesystem': closed, 'seeds': {'workload': 'not known, the section is encrypted', 'env': 'current'},
        'rolled': None}))
    equal((volumes[1]['rolled'], volumes[1]['seeds']['env']), (True, 'current and previous'))
    has(dict(order)['storage'], 'the disks of 2 volumes')
    _, volumes, order = volumes_plan(t, {}, names='a', edit=close('env'))
    equal((volumes[0]['device'], volumes[0]['mount'], volumes[0]['rolled']),
          ('not known, env is encrypted', '/mnt/a', None))
    equal(dict(order)['luks-passphrase'], "makes each volume's passphrase of its seeds")


def test_plan_of_pods(t):
    pod = {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': {'name': 'p'}, 'spec': {'containers': [
        {'name': 'pinned', 'image': f'r.example/a/b@{DIGEST}',
         'ports': [{'containerPort': 80, 'hostPort': 8080}]},
        {'name': 'free', 'image': 'r.example/a/b:1', 'securityContext': {'privileged': True}}]}}
    text = json.dumps({'workload': {'type': 'workload', 'play': {'resources': [pod]}},
                       'env': {'type': 'env', 'logging': {'logRouter': {
                           'hostname': 'logs.example.com', 'iamApiKey': 'CANARY-EXTRA'}}}})
    rc, out, _ = t.run('contract', 'plan', '--format', 'json', t.file('pod.json', text))
    plan = json.loads(out)
    equal(rc, 1)
    has(plan['stops_at'], 'HPL15005E')
    equal([(c['name'], c['allowed'], c['ports'], c['privileged']) for c in plan['containers']],
          [('pinned', 'pinned by its digest', ['8080:80'], False),
           ('free', 'refused: no digest and no key in images.rhs', [], True)])
    assert 'CANARY' not in out


def test_plan_who_reads_what(t):
    for text, host, other in ((t.m.plain(), 'yes', 'yes'), (t.m.encrypted(), 'no', 'no')):
        _, out, _ = t.run('contract', 'plan', '--key', 'image.key', '--format', 'json',
                          t.file('p.yaml', text))
        rows = {r['secret']: r for r in json.loads(out)['secrets']}
        seed = rows['workload.volumes.data.seed']
        equal((seed['host'], seed['deployer'], seed['workload_provider'], seed['containers']),
              (host, other, 'wrote it', 'no'))
        has(seed['guest_services'], 'luks-passphrase')
        equal(rows['env.env (2 variables)']['containers'], 'yes')
    classic = t.m.env() + 'attestation: {layout: classic}\n'
    _, out, _ = t.run('contract', 'plan', '--key', 'image.key', '--format', 'json',
                      t.file('p.yaml', t.m.encrypted(env=classic)))
    rows = {r['secret']: r['containers'] for r in json.loads(out)['secrets']}
    equal((rows['env.volumes.data.seed'], rows['env.auths.registry.example.password']),
          ('no', 'with /var/hyperprotect'))


def test_plan_of_what_is_closed_or_wrong(t):
    rc, out, _ = t.run('contract', 'plan', t.file('enc.yaml', t.m.encrypted()))
    equal(rc, 0)
    has(out, 'not looked at (give --key): workload, env, attestationPublicKey',
        'kind: not known, the section is encrypted')
    rc, out, err = t.run('contract', 'plan', t.file('faulty.yaml', FAULTY))
    equal((rc, out), (1, ''))
    has(err, 'no plan for a contract with a wrong form')
    signed = t.m.plain().replace('mount: /mnt/data', 'mount: /mnt/other')
    rc, out, _ = t.run('contract', 'plan', t.file('p.yaml', signed))
    equal(rc, 1)
    has(out, 'The boot stops: HPL12001E')


# ---- new ----

def fillers(m):
    values = {'ARCHIVE': archive({'docker-compose.yaml': f'services: {{a: {{image: "r.example/b/c@{DIGEST}"}}}}\n'}),
              'IMAGE': f'registry.example/a/b@{DIGEST}', 'POLICY': 'package agent_policy',
              'LOG-HOST': 'logs.example.com', 'API-KEY': 'a-key-of-letters',
              'CA-CERTIFICATE': b64(m.ca), 'CLIENT-CERTIFICATE': b64(m.client_cert),
              'CLIENT-KEY': b64(m.client_key), 'AUDITOR-KEY': b64(m.public)}
    numbered = {'W-SEED': 'workload-seed-00', 'E-SEED': 'env-seed-0000000', 'USER': 'user',
                'PASSWORD': 'password', 'VALUE': 'value'}

    def fill(match):
        word = match.group(1)
        if word in values:
            return values[word]
        stem, _, number = word.rpartition('-')
        # a seed that was generated may hold such characters by chance
        return numbered[stem] + number if stem in numbered else match.group(0)
    return lambda text: re.sub('<([A-Z0-9-]+)>', fill, text)


def combinations():
    flags = [[], ['--volume', 'data'], ['--volume', 'data', '--volume', 'x_1', '--seeds']]
    more = [[], ['--registry', 'r.example:5000', '--registry', '10.0.0.1', '--env', 'A', '--env', '_b']]
    ends = [[], ['--attestation'], ['--section', 'workload'], ['--section', 'env']]
    for p, k, log, f, m, e in itertools.product(
            ('hpvs', 'ccrt', 'ccrv', 'ccco'), ('compose', 'play', 'confidential-containers', None),
            ('syslog', 'logrouter', 'none', None), flags, more, ends):
        args = ['--product', p] + (['--kind', k] if k else []) + (['--log', log] if log else [])
        good = not (p == 'ccrv' and k == 'compose') and (p == 'ccco' or log != 'none')
        yield p, args + f + m + e, good


def test_new_passes_when_it_is_filled_in(t):
    fill, files, refused = fillers(t.m), {}, 0
    for i, (product, args, good) in enumerate(combinations()):
        rc, out, _ = t.run('contract', 'new', *args)
        equal((args, rc), (args, 0 if good else 2))
        if good:
            files.setdefault(product, {})[t.file(f'new-{i}.yaml', fill(out.split('\n', 1)[1] if
                                                 out.startswith('#') else out))] = args
        refused += not good
    assert refused > 100
    for product, names in files.items():
        assert len(names) > 200, (product, len(names))
        rc, out, err = t.run('contract', 'validate', '--product', product, '--format', 'jsonl', *names)
        for line in out.splitlines():
            got = json.loads(line)
            left = [f for f in got['faults'] if f['severity'] == 'error' or f['id'] == 'HPL05019W']
            assert got['valid'] and not left, (names[got['file']], left)
        equal((product, rc, err), (product, 0, ''))


def test_new_shows_how_a_disk_is_named(t):
    _, out, _ = t.run('contract', 'new', '--volume', 'data', '--section', 'env')
    has(out, '    # serial of the disk, or UUID of its LUKS header; no other disk is taken then:\n'
        '    # volumeID: ...\n', 'when that is not data:\n    # volumeName: ...\n')


def test_new_that_is_not_filled_in_is_told(t):
    _, out, _ = t.run('contract', 'new', '--volume', 'data', '--registry', 'r.example', '--env', 'A')
    holders = set(re.findall('<[A-Z0-9-]+>', out.split('\n', 1)[1]))
    equal(len(holders), 10)
    rc, got = t.validate('-', stdin=out)
    equal(rc, 1)
    equal(len({f['path'] for f in got['faults'] if f['path']} - {'workload', 'env'}), 10)


def test_new_seeds_differ_and_are_of_the_allowed_set(t):
    seeds = set()
    for _ in range(20):
        _, out, _ = t.run('contract', 'new', '--volume', 'a', '--volume', 'b', '--seeds')
        seeds.update(re.findall("seed: '(.*)'", out))
    equal(len(seeds), 80)
    assert all(re.fullmatch('[a-zA-Z0-9!@#$%^&*(),.?":{}|<>_-]{32}', s) for s in seeds)


def test_new_writes_a_file_for_its_owner(t):
    rc, out, _ = t.run('contract', 'new', '--volume', 'a', '--seeds', '--output', 'out.yaml')
    equal((rc, out), (0, ''))
    equal(os.stat(os.path.join(t.folder, 'out.yaml')).st_mode & 0o777, 0o600)


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith('test_')]
    print(f'1..{len(tests)}')
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        t = Tool(sys.argv[1:4], folder)
        for i, (name, function) in enumerate(tests, 1):
            words = name[5:].replace('_', ' ')
            try:
                function(t)
                print(f'ok {i} - {words}')
            except Exception:  # any: one test must not hide the others
                failed += 1
                print(f'not ok {i} - {words}')
                print('# ' + traceback.format_exc(limit=2).strip().replace('\n', '\n# ')[:3000])
            sys.stdout.flush()
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
