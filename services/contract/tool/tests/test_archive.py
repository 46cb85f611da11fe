#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hpl contract archive and base64, against GNU tar and base64."""
import os
import socket
import sys

import yaml

sys.path.insert(0, os.path.dirname(__file__))
from toolkit import *  # noqa: E402,F403 pylint: disable=wildcard-import,unused-wildcard-import

COMPOSE = f'services:\n  web:\n    image: docker.io/library/busybox@{DIGEST}\n'
POD = f'''apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: web
      image: docker.io/library/busybox@{DIGEST}
'''


def tree(name, files):
    """A folder with these files; a text of None is a folder."""
    top = path(name)
    for rel, text in files.items():
        full = os.path.join(top, rel)
        os.makedirs(full if text is None else os.path.dirname(full), exist_ok=True)
        if text is not None:
            with open(full, 'wb') as f:
                f.write(text if isinstance(text, bytes) else text.encode())
    return top


def gnu_tar(archive, *args):
    p = subprocess.run(['tar', *args], input=archive, capture_output=True, check=True, timeout=60)
    return p.stdout.decode()


FILES = {'docker-compose.yaml': COMPOSE, '.env': 'A=b\n', 'empty': '', 'dir': None,
         'conf/app.conf': 'x = 1\n', 'conf/a b': 'blank\n', 'conf/é': 'not ASCII\n',
         'conf/' + 'n' * 200: 'long\n', 'conf/deep/' * 5 + 'file': b'\0\1\2' * 5000}
d = tree('one', FILES)
os.chmod(os.path.join(d, 'conf/app.conf'), 0o640)
os.chmod(os.path.join(d, 'empty'), 0o700)
r = tool('archive', d)
check('a compose folder is packed', r.rc == 0 and not r.err, r)
check('one line of base64', r.out.count(b'\n') == 1 and r.out.endswith(b'\n') and
      base64.b64decode(r.out.strip(), validate=True), r)
ARCHIVE = r.out
targz = base64.b64decode(ARCHIVE)
names = gnu_tar(targz, '-tzf', '-', '--quoting-style=literal').splitlines()
check('GNU tar lists every name, sorted', names == sorted(names) and
      {n.rstrip('/') for n in names} >= {k for k in FILES}, names)
listing = gnu_tar(targz, '-tvzf', '-', '--numeric-owner', '--utc', '--full-time')
check('no owners, one time', all(' 0/0 ' in line and '1970-01-01 00:00:00' in line
                                 for line in listing.splitlines()), listing)
check('modes are 0644 and 0755', {line.split()[0] for line in listing.splitlines()} ==
      {'-rw-r--r--', '-rwxr-xr-x', 'drwxr-xr-x'}, listing)
gnu_tar(targz, '-xzf', '-', '-C', tree('gnu', {'.': None}))
same = subprocess.run(['diff', '-r', d, path('gnu')], capture_output=True, check=False)
check('GNU tar unpacks the same files', same.returncode == 0, same.stdout.decode())
check('gzip has no time in its head', targz[4:8] == b'\0\0\0\0')
other = tree('copy/of', dict(reversed(FILES.items())))
os.chmod(os.path.join(other, 'empty'), 0o755)
os.utime(os.path.join(other, 'empty'), (1, 1))
check('a copy made in another order at another time gives the same bytes',
      tool('archive', other).out == ARCHIVE)
r = tool('archive', '--mtime', '1000000000', d)
check('--mtime sets the time', r.rc == 0 and all('2001-09-09 01:46:40' in line for line in gnu_tar(
    base64.b64decode(r.out), '-tvzf', '-', '--utc', '--full-time').splitlines()), r)
r = tool('archive', os.path.join(d, 'docker-compose.yaml'), os.path.join(d, 'conf', 'app.conf'))
check('files go to the top', r.rc == 0 and gnu_tar(base64.b64decode(r.out), '-tzf', '-') ==
      'app.conf\ndocker-compose.yaml\n', r)

# the guest's reader
r = tool('encrypt', '--cert', (rsa('image'), path('image.pub'))[1], '-',
         stdin=contract(workload=f'type: workload\ncompose:\n  archive: {ARCHIVE.decode()}'))
check('a contract with it is accepted', r.rc == 0, r)
USER_DATA = r.out

# what a guest refuses
bad = tree('bad', {'docker-compose.yaml': COMPOSE})
for name, make in (('symbolic link', lambda p: os.symlink('docker-compose.yaml', p)),
                   ('named pipe', os.mkfifo),
                   ('socket', lambda p: socket.socket(socket.AF_UNIX).bind(p))):
    make(os.path.join(bad, 'x'))
    r = tool('archive', bad)
    check(f'a {name} is refused with its name', r.rc == 1 and not r.out and name in r.err and
          '/x' in r.err, r)
    os.unlink(os.path.join(bad, 'x'))
if os.geteuid() == 0 and os.path.exists('/dev/null'):
    try:
        os.mknod(os.path.join(bad, 'x'), 0o20644, os.makedev(1, 3))
        r = tool('archive', bad)
        check('a device is refused', r.rc == 1 and 'device' in r.err, r)
    except PermissionError:
        print('# devices cannot be made here: not tested')
for name, files, args, say in (
        ('build', {'docker-compose.yml': 'services:\n  a:\n    build: .\n'}, (), 'build'),
        ('a compose file that is no YAML', {'docker-compose.yaml': 'a: [\n'}, (), 'docker-compose.yaml'),
        ('a compose file without services', {'docker-compose.yaml': 'a: 1\n'}, (), 'services'),
        ('no compose file where one is needed', {'pod.yaml': POD}, ('--kind', 'compose'), 'docker-compose'),
        ('a kind that is not started', {'x.yaml': POD.replace('kind: Pod', 'kind: Service')}, (), 'Service'),
        ('a name with a control character', {'docker-compose.yaml': COMPOSE, 'a\tb': ''}, (), 'name'),
        ('nothing in it', {'.': None}, (), 'nothing')):
    r = tool('archive', *args, tree('bad-' + name.replace(' ', '-'), files))
    check(f'{name} is refused', r.rc == 1 and not r.out and say in r.err, r)
r = tool('archive', '--no-validate', path('bad-build'))
check('--no-validate packs it all the same', r.rc == 0 and r.out, r)
r = tool('archive', tree('unpinned', {'docker-compose.yaml': 'services:\n  a:\n    image: busybox\n'}))
check('an image without digest is a warning', r.rc == 0 and 'digest' in r.err and r.out, r)
r = tool('archive', tree('pod', {'pod.yaml': POD}))
check('a play folder is packed', r.rc == 0 and not r.err, r)
r = tool('archive', tree('unpinned-pod', {'pod.yaml': POD.replace('@' + DIGEST, ':1')}))
check('an image without digest is a warning there, too', r.rc == 0 and 'digest' in r.err, r)
r = tool('archive', d, os.path.join(d, '.env'))
check('one name twice is refused', r.rc == 1 and '.env' in r.err, r)

# looking into one
write('a.b64', ARCHIVE)
r = tool('archive', '--list', path('a.b64'))
check('--list shows what GNU tar shows', r.rc == 0 and
      [line.split(' ', 1)[1].split(maxsplit=1)[1] for line in r.text().splitlines()] == names, r)
write('a.tar.gz', targz)
check('of a tar.gz as well', tool('archive', '--list', path('a.tar.gz')).out == r.out)
c = write('c.yaml', contract(workload=f'type: workload\ncompose:\n  archive: {ARCHIVE.decode()}'))
check('and of a contract', tool('archive', '--list', c).out == r.out)
check('and of a workload alone', tool('archive', '--list', '-', stdin=yaml.safe_load(read('c.yaml'))[
    'workload']).out == r.out)
check('and of an encrypted one', tool('archive', '--list', '--key', path('image.key'), '-',
                                       stdin=USER_DATA).out == r.out)
expect_exit('without its key it says so', 1, 'archive', '--list', '-', stdin=USER_DATA, say='workload')
r = tool('archive', '--extract', path('extracted'), path('a.b64'))
same = subprocess.run(['diff', '-r', d, path('extracted')], capture_output=True, check=False)
check('--extract writes the same files', r.rc == 0 and same.returncode == 0, r)


def targz_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w:gz') as t:
        for name, kind in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, 'x'
            t.addfile(info, io.BytesIO(b''))
    return out.getvalue()


for name, members in (('leads outside', [('good', tarfile.REGTYPE), ('../evil', tarfile.REGTYPE)]),
                      ('holds a link', [('good', tarfile.REGTYPE), ('l', tarfile.SYMTYPE)])):
    r = tool('archive', '--extract', path('evil'), '-', stdin=targz_of(*members))
    check(f'an archive that {name} leaves nothing', r.rc == 1 and not os.listdir(path('evil')) and
          not os.path.exists(path('evil/../../evil')), r)
expect_exit('what is no archive is bad input', 1, 'archive', '--list', '-', stdin=b'AAAA')
expect_exit('nor is a contract without one', 1, 'archive', '--list', '-', stdin=contract(
    workload='type: workload\n'))

# calls
expect_exit('no PATH is a wrong call', 2, 'archive')
expect_exit('a PATH that is not there is a wrong call', 2, 'archive', path('none'))
expect_exit('--list with --extract is a wrong call', 2, 'archive', '--list', '--extract', 'x', 'y')
expect_exit('--list of two files is a wrong call', 2, 'archive', '--list', 'x', 'y')
expect_exit('a kind that is none is a wrong call', 2, 'archive', '--kind', 'x', d)
expect_exit('a time that is none is a wrong call', 2, 'archive', '--mtime', '-1', d)
r = external('archive', {'path': d})
check('a query is answered', r.rc == 0 and r.json['archive'] == ARCHIVE.decode().strip(), r)
r = external('archive', {'path': path('bad-build')})
check('a query of a bad folder fails', r.rc == 1 and not r.out, r)
expect_exit('a query of none fails', 1, 'archive', '--external', stdin=b'{}')

# base64
for size in (0, 1, 2, 3, 100000):
    data = os.urandom(size)
    r = tool('base64', '-', stdin=data)
    check(f'{size} bytes as base64', r.rc == 0 and r.out == base64.b64encode(data) + b'\n', r)
    back = tool('base64', '--decode', '-', stdin=textwrap.fill(r.text(), 60))
    check(f'{size} bytes back', back.rc == 0 and back.out == data)
expect_exit('what is no base64 is bad input', 1, 'base64', '--decode', '-', stdin=b'?')
expect_exit('base64 of no FILE is a wrong call', 2, 'base64')
expect_exit('base64 of a FILE that is not there is a wrong call', 2, 'base64', path('none'))
done()
