# SPDX-License-Identifier: Apache-2.0
"""What the bootloader is given beside the contract's text: the drive, meta-data, the memory. Only the
guest sees these; the tool is not asked."""
import os
import shutil

from cases import Case

NO_CONTRACT, SIZE, MEMORY, HOST_NAME = 'HPL11001E', 'HPL05009E', 'HPL11003E', 'HPL11006W'
GOOD_NAMES = ('web', 'web-1.example', 'a' * 63, '9')
BAD_NAMES = ('web_1', '-web', 'web-', 'web..example', '.', 'a' * 64, 'web example', 'Wéb', '1.5.',
             ('a' * 31 + '.') * 3)


class BootCases:
    """Files beneath a directory of their own, made anew each time."""

    def __init__(self, corpus, directory):
        self.corpus = corpus
        self.dir = directory

    def build(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        self.drives()
        self.names()
        self.memory()

    def add(self, name, mode, path, id):
        self.corpus.add(Case(name, mode, b'', product=mode, id=id, path=path, tool=False,
                             valid=id is None))

    def drive(self, what, id, files):
        top = os.path.join(self.dir, 'drive-' + what.replace(' ', '-'))
        os.makedirs(top)
        for name, data in files.items():
            path = os.path.join(top, name)
            if data is None:
                os.mkdir(path)
            elif data.startswith(b'->'):
                os.symlink(data[2:].decode(), path)
            elif data == b'fifo':
                os.mkfifo(path)
            else:
                with open(path, 'wb') as f:
                    f.write(data)
        self.add(f'drive {what}', 'drive', top, id)

    def drives(self):
        other = {'meta-data': b'instance-id: x\n', 'vendor-data': b''}
        self.drive('without user-data', NO_CONTRACT, other)
        self.drive('empty', NO_CONTRACT, {})
        self.drive('named USER-DATA', NO_CONTRACT, {**other, 'USER-DATA': b'workload: x\n'})
        self.drive('named user-data.yaml', NO_CONTRACT, {**other, 'user-data.yaml': b'workload: x\n'})
        self.drive('user-data a directory', NO_CONTRACT, {**other, 'user-data': None})
        self.drive('user-data a link', NO_CONTRACT, {**other, 'user-data': b'->meta-data'})
        self.drive('user-data a link outside', NO_CONTRACT, {**other, 'user-data': b'->/etc/passwd'})
        self.drive('user-data a pipe', NO_CONTRACT, {**other, 'user-data': b'fifo'})
        self.drive('user-data empty', NO_CONTRACT, {**other, 'user-data': b''})
        self.drive('user-data blank', NO_CONTRACT, {**other, 'user-data': b' \n\n'})
        self.drive('user-data too large', SIZE, {**other, 'user-data': b'#' * ((16 << 20) + 1)})
        self.drive('meta-data too large', NO_CONTRACT,
                   {'user-data': b'workload: x\n', 'meta-data': b'#' * ((1 << 20) + 1)})
        self.drive('alone', None, {'user-data': b'workload: x\nenv: x\n'})

    def names(self):
        os.makedirs(self.dir, exist_ok=True)
        for i, (name, id) in enumerate([(n, None) for n in GOOD_NAMES] + [(n, HOST_NAME) for n in BAD_NAMES]):
            path = os.path.join(self.dir, f'meta-data-{i}')
            with open(path, 'w', encoding='utf-8') as f:
                f.write(f'instance-id: x\nlocal-hostname: "{name}"\n')
            self.add(f'host name {name}', 'meta-data', path, id)

    def memory(self):
        """blocks of 128 MiB that are online; or none, and what the kernel counts."""
        for blocks, kib, id in ((32, 0, None), (31, 0, MEMORY), (16, 0, MEMORY), (1, 0, MEMORY),
                                (40, 0, None), (0, 3900000, None), (0, 3500000, MEMORY),
                                (0, 2000000, MEMORY), (0, 1000, MEMORY)):
            top = os.path.join(self.dir, f'memory-{blocks}-{kib}')
            os.makedirs(os.path.join(top, 'memory'))
            if blocks:
                with open(os.path.join(top, 'memory', 'block_size_bytes'), 'w', encoding='ascii') as f:
                    f.write('8000000\n')
            for i in range(blocks):
                at = os.path.join(top, 'memory', f'memory{i}')
                os.mkdir(at)
                with open(os.path.join(at, 'state'), 'w', encoding='ascii') as f:
                    f.write('online\n')
            with open(os.path.join(top, 'meminfo'), 'w', encoding='ascii') as f:
                f.write(f'MemTotal:       {kib} kB\n')
            self.add(f'memory {blocks} blocks or {kib} KiB', 'memory', top, id)
