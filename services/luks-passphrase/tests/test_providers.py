#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Third seeds in a whole boot: hpld, contract, luks-passphrase and a key provider, each the real
program with its real manifest in its real sandbox; tests/world.c plays everybody else.

test_providers.py SOURCE HPLD LAUNCHER CONTRACT LUKS_PASSPHRASE WORLD BAD EXAMPLE EXAMPLE_MANIFEST
"""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import yaml

SOURCE, HPLD, LAUNCHER, CONTRACT, LUKS, WORLD, BAD, EXAMPLE, MANIFEST = map(pathlib.Path, sys.argv[1:])
DEADLINE_S = 60
SECRETS = {'env': 'canary-env-seed-11', 'old': 'canary-env-seed-22', 'workload': 'canary-wl-seed-33',
           'key': 'canary-api-key-44'}
done = bad = 0

WORLD_MANIFEST = '''name: {name}
program: world
tags: [{name}]
lifetime: {lifetime}
receive: [{receive}]
publish: [{publish}]
settings: {{mode: {name}}}
sandbox:
  uid: {uid}
'''
ROLES = [('logging', 'daemon', 'system.boot', 'logging.ready', 60002),
         ('signature', 'daemon', 'contract.valid', 'signature.verified', 60003),
         ('storage', 'daemon', 'contract.volumes, luks.passphrases, key.stored',
          'storage.keyfiles, storage.ready', 60004),
         ('catch', 'daemon', 'service.failed, service.exited', 'system.shutdown', 60005)]


def check(name, good, what=''):
    global done, bad
    done += 1
    bad += not good
    print(f"{'' if good else 'not '}ok {done} - {name}")
    if not good:
        print('\n'.join('# ' + line for line in str(what).splitlines()))


def sha256sum(*parts):
    return subprocess.run(['sha256sum'], input=b''.join(parts), stdout=subprocess.PIPE,
                          check=True).stdout[:64]


def contract_text(key, minutes):
    return f'''workload:
  type: workload
  compose: {{archive: QUJD}}
  volumes: {{data: {{seed: {SECRETS['workload']}}}}}
env:
  type: env
  logging: {{syslog: {{hostname: log.example, server: QUJD}}}}
  volumes:
    data:
      seed: {SECRETS['env']}
      previousSeed: {SECRETS['old']}
      kmsTimeout: {minutes}
      kms: [{{apiKey: {SECRETS['key']}, crn: "crn:v1:bluemix:public:kms:us:a/1:2:key:{key}"}}]
'''


class Boot:
    """One boot until hpld ends; log: lines that it sent to the log socket, by tag."""

    def __init__(self, provider, key='3', minutes=10, look=None):
        self.look = look    # called with the boot while it runs; hpld is asked to end after it
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix='hpl-providers-'))
        self.dir.chmod(0o755)
        self.lines = []
        try:
            self.prepare(provider, contract_text(key, minutes))
            self.run()
        finally:
            shutil.rmtree(self.dir)

    def prepare(self, provider, contract):
        for d in ('manifests', 'libexec', 'boot'):
            (self.dir / d).mkdir()
        programs = [(LAUNCHER, 'hpl-launch'), (CONTRACT, 'hpl-contract'),
                    (LUKS, 'hpl-luks-passphrase'), (WORLD, 'world')]
        if provider:
            programs.append((provider, 'hpl-key-kms'))
            shutil.copy(MANIFEST, self.dir / 'manifests/key-kms.yaml')
        for program, name in programs:
            shutil.copy(program, self.dir / 'libexec' / name)
        for name in ('contract', 'luks-passphrase'):
            text = (SOURCE / f'services/{name}/manifest.yaml').read_text()
            text = text.replace('/var/lib/hpl/boot', str(self.dir / 'boot'))
            (self.dir / f'manifests/{name}.yaml').write_text(text)
        for name, lifetime, receive, publish, uid in ROLES:
            (self.dir / f'manifests/{name}.yaml').write_text(WORLD_MANIFEST.format(
                name=name, lifetime=lifetime, receive=receive, publish=publish, uid=uid))
        names = ['contract', 'luks-passphrase'] + [r[0] for r in ROLES] + ['key-kms'] * bool(provider)
        (self.dir / 'profile.yaml').write_text(f'profile: test\nservices: [{", ".join(names)}]\n')
        (self.dir / 'console').touch()
        home = self.dir / 'boot/contract'
        home.mkdir(mode=0o700)
        for name in ('user-data', 'user-data.decrypted'):
            (home / name).write_text(contract)
            os.chown(home / name, 801, 801)
        os.chown(home, 801, 801)

    def listen(self, sock):
        while True:
            data = sock.recv(65536)
            if data == b'end':
                return
            self.lines.append(data)

    def run(self):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.bind(str(self.dir / 'log'))
        thread = threading.Thread(target=self.listen, args=(sock,))
        thread.start()
        d = self.dir
        try:
            hpld = subprocess.Popen([HPLD, '--profile', d / 'profile.yaml', '--manifests', d / 'manifests',
                '--libexec', d / 'libexec', '--run', d / 'run', '--settings', '/nonexistent',
                '--journal', d / 'journal', '--console', d / 'console', '--log-socket', d / 'log',
                '--set', 'luks-passphrase.provider_grace_s=2'], stdin=subprocess.DEVNULL)
            if self.look:
                self.look(self, hpld)
                hpld.terminate()
            hpld.wait(DEADLINE_S)
        finally:
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'end', str(d / 'log'))
            thread.join()
            self.journal_text = (d / 'journal').read_text()
            self.stored = (d / 'boot/contract/user-data.decrypted').read_text()
        self.journal = [json.loads(line) for line in self.journal_text.splitlines()]

    def log(self, tag=None):
        """Lines with the tag, or all but those of the one that plays storage."""
        own = [line.decode('utf-8', 'replace') for line in self.lines]
        if tag:
            return '\n'.join(line for line in own if f' - {tag} ' in line)
        return '\n'.join(line for line in own if ' - storage ' not in line)

    def topics(self):
        return [e['topic'] for e in self.journal]

    def failure(self):
        return next((e for e in self.journal if e['topic'] == 'service.failed'), {})

    def show(self):
        return self.journal_text + '\n' + '\n'.join(map(repr, self.lines))


def good_boot():
    b = Boot(EXAMPLE)
    said = b.log('storage')
    blob = re.search(r'blob data ([0-9a-f]{64})', said)
    keys = re.search(r'passphrase data ([0-9a-f]{64}) previous ([0-9a-f]{64})', said)
    check('a boot with a provider gets a blob to store and passphrases', blob and keys, b.show())
    if not blob or not keys:
        return
    third = bytes.fromhex(blob[1])[::-1]
    for name, env, got in (('passphrase', 'env', keys[1]), ('previous', 'old', keys[2])):
        interim = sha256sum(SECRETS[env].encode(), SECRETS['workload'].encode())
        check(f'{name} is what sha256sum gives for the three seeds',
              sha256sum(interim, third).decode() == got, got)
    topics = b.topics()
    check('the blob is to be stored before there is a seed',
          topics.index('key.stored') < topics.index('key.seeds') < topics.index('luks.passphrases'),
          topics)
    ended = {e['service'] for e in b.journal if e['topic'] == 'service.exited'}
    check('provider and luks-passphrase have ended', {'key-kms', 'luks-passphrase'} <= ended, ended)
    c = yaml.safe_load(b.stored)
    env, workload = (c[s]['volumes']['data'] for s in ('env', 'workload'))
    check('the stored contract has no seed any more and is otherwise whole',
          not any(SECRETS[s] in b.stored for s in ('env', 'old', 'workload')) and
          all(set(v) == {'*'} for v in (env['seed'], env['previousSeed'], workload['seed'])) and
          env['kms'][0]['apiKey'] == SECRETS['key'], b.stored)
    everything = b.log() + b.journal_text
    check('no seed, parameter or passphrase is in log or journal',
          not any(s in everything for s in [*SECRETS.values(), third.hex(), keys[1], keys[2]]),
          everything)


def refused_boot():
    b = Boot(None)
    f = json.dumps(b.failure())
    check('without the provider the contract is refused, naming volume, key and provider',
          'HPL05018E' in f and "volume 'data' asks by kms for the key provider 'kms'" in f and
          'contract.seeds' not in b.topics(), b.show())


def memory_of(name, parent):
    """What the process of this name that hpld started can read and write."""
    for p in pathlib.Path('/proc').glob('[0-9]*'):
        try:
            stat = (p / 'stat').read_text()
            if f'({name[:15]})' not in stat or int(stat.rsplit(')', 1)[1].split()[1]) != parent:
                continue
            found = b''
            with open(p / 'mem', 'rb', buffering=0) as mem:
                for line in (p / 'maps').read_text().splitlines():
                    span, mode = line.split()[:2]
                    start, end = (int(x, 16) for x in span.split('-'))
                    if mode.startswith('rw') and '[v' not in line:
                        mem.seek(start)
                        found += mem.read(end - start)
            return found
        except (OSError, ValueError):
            continue  # it has ended, or a mapping that cannot be read
    return b''


def waiting_boot():
    interim = sha256sum(SECRETS['env'].encode(), SECRETS['workload'].encode())
    seeds = [SECRETS[s].encode() for s in ('env', 'old', 'workload')]
    result = {}

    def look(_, hpld):
        end = time.monotonic() + DEADLINE_S
        while time.monotonic() < end and not result.get('good'):
            memory = memory_of('hpl-luks-passphrase', hpld.pid)
            result['left'] = [s for s in seeds if s in memory]
            result['good'] = interim in memory and not result['left']
            time.sleep(0.01)
        # the same look finds them where they are
        contract = memory_of('hpl-contract', hpld.pid)
        result['found'] = [s for s in seeds if s in contract]
    b = Boot(BAD, 'hang', 10, look)
    check('luks-passphrase waits with passphrases of two seeds in its memory and no seed',
          result.get('good') and result['found'] == seeds, f'{result}\n{b.show()}')


FAULTS = [('denied', 10, 'HPL07027E', r'denied: \\\\x1b'), ('long', 10, 'HPL07029E', '1025 bytes'),
          ('crash', 10, 'HPL21001E', 'signal 6'),
          ('silent', 0, 'HPL07028E', r'data \(key-kms\)'), ('hang', 0, 'HPL07028E', r'data \(key-kms\)')]


def failing_boots():
    for key, minutes, message, word in FAULTS:
        b = Boot(BAD, key, minutes)
        f = json.dumps(b.failure())
        check(f'a provider that fails ({key}) ends the boot with {message}',
              message in f and re.search(word, f), b.show())
        everything = b.log() + b.journal_text
        check(f'... nothing is handed to storage, and no secret is said ({key})',
              'luks.passphrases' not in b.topics() and
              not any(s in everything for s in SECRETS.values()), b.show())
        check(f'... and no line is forged ({key})',
              not any(line.startswith(b'forged') or b'\x1b' in line for line in b.lines), b.lines)


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP needs root for sandboxes')
        return 0
    signal.alarm(600)
    good_boot()
    refused_boot()
    waiting_boot()
    failing_boots()
    print(f'1..{done}')
    return 1 if bad else 0


sys.exit(main())
