# SPDX-License-Identifier: Apache-2.0
"""A guest under QEMU: disks, cidata ISO, network, console, QMP. Used by run-guest, demo and tests.

Emulation is always TCG: /dev/kvm may open and still not be able to run a guest.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOP = os.path.dirname(HERE)
DEFAULT_IMAGE = os.path.join(TOP, 'build', 'image')
SUCCESS = re.compile(r'(HPL10001I)|(VSI has started successfully)')
FAILURE = re.compile(r'HPL\d+E')
# what forwarded ports of the host's loopback are called inside the guest
WORLD = '10.0.2.100'

META_DATA = 'instance-id: openhpl-test\nlocal-hostname: openhpl-guest\n'
VENDOR_DATA = '#cloud-config\nusers:\n- default\n'


def make_cidata(path, user_data, meta_data=META_DATA, network_config=None, label='cidata'):
    """Writes the ISO that the hypervisor gives the guest. Contents are text or bytes."""
    with tempfile.TemporaryDirectory() as work:
        files = {'user-data': user_data, 'meta-data': meta_data, 'vendor-data': VENDOR_DATA}
        if network_config is not None:
            files['network-config'] = network_config
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            with open(os.path.join(work, name), 'wb') as f:
                f.write(data)
        subprocess.run(['genisoimage', '-quiet', '-output', path, '-volid', label, '-joliet',
                        '-rock'] + [os.path.join(work, n) for n in files], check=True,
                       stderr=subprocess.DEVNULL)


class Qmp:
    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        for _ in range(600):
            try:
                self.sock.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)
        self.file = self.sock.makefile('rw')
        self.file.readline()
        self.command('qmp_capabilities')

    def command(self, name, **arguments):
        request = {'execute': name}
        if arguments:
            request['arguments'] = arguments
        self.file.write(json.dumps(request) + '\n')
        self.file.flush()
        while True:
            line = self.file.readline()
            if not line:
                return None
            answer = json.loads(line)
            if 'return' in answer or 'error' in answer:
                return answer


class Guest:
    """One boot. Lines of the console are kept with the second they came at."""

    def __init__(self, iso=None, disks=(), forwards=(), publish=(), image=DEFAULT_IMAGE,
                 on_line=None, console_file=None, memory_mb=4096, cpus=2, extra=()):
        self.image = image = os.path.abspath(image)
        self.lines = []
        self.times = []
        self.on_line = on_line
        self.changed = threading.Condition()
        self.work = tempfile.mkdtemp(prefix='hpl-guest-')
        self.console_file = open(console_file, 'w', encoding='utf-8') if console_file else None
        qmp = os.path.join(self.work, 'qmp')
        overlay = os.path.join(self.work, 'boot.qcow2')
        subprocess.run(['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', 'raw', '-b',
                        os.path.join(image, 'boot.img'), overlay], check=True)
        # the host's ports, one process a connection; everything else outside is out of reach
        net = 'user,id=n0,restrict=on'
        for port in forwards:
            net += f',guestfwd=tcp:{WORLD}:{port}-cmd:socat STDIO TCP4:127.0.0.1:{port}'
        for pair in publish:
            host, inside = pair.split(':')
            net += f',hostfwd=tcp:127.0.0.1:{host}-:{inside}'
        # qemu64: no vector instructions, which the emulator is slow at; a boot is a fifth faster
        argv = ['qemu-system-x86_64', '-accel', 'tcg', '-machine', 'q35', '-cpu', 'qemu64',
                '-smp', str(cpus), '-m', str(memory_mb), '-nographic', '-nodefaults',
                '-no-reboot', '-serial', 'stdio', '-qmp', f'unix:{qmp},server=on,wait=off',
                '-kernel', os.path.join(image, 'vmlinuz'),
                '-initrd', os.path.join(image, 'initrd.img'),
                '-append', 'console=ttyS0 quiet loglevel=3 net.ifnames=0 panic=-1 cloud-init=disabled '
                # OpenSSL's vector code is several times slower than plain code under emulation
                'OPENSSL_ia32cap=~0x1000020000000000:~0x20000020',
                '-netdev', net, '-device', 'virtio-net-pci,netdev=n0,romfile=',
                '-object', 'rng-random,id=rng0,filename=/dev/urandom',
                '-device', 'virtio-rng-pci,rng=rng0',
                '-drive', f'file={overlay},format=qcow2,if=none,id=boot,cache=unsafe',
                '-device', 'virtio-blk-pci,drive=boot']
        if iso:
            argv += ['-drive', f'file={iso},format=raw,if=none,id=cidata,readonly=on',
                     '-device', 'virtio-blk-pci,drive=cidata']
        for i, disk in enumerate(disks):
            name, _, option = disk.partition(',')
            serial = option.partition('=')[2] if option.startswith('serial=') else ''
            # cache=writeback: what the guest flushed is in the file when QEMU is killed
            argv += ['-drive', f'file={name},format=raw,if=none,id=data{i},cache=writeback',
                     '-device', f'virtio-blk-pci,drive=data{i}' + (f',serial={serial}' if serial else '')]
        argv += list(extra)
        self.began = time.monotonic()
        self.qemu = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.qmp_path = qmp
        self.qmp = None

    def _read(self):
        for raw in self.qemu.stdout:
            text = raw.decode('utf-8', 'replace').rstrip('\r\n')
            text = re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]|\x1bc', '', text)
            with self.changed:
                self.lines.append(text)
                self.times.append(time.monotonic() - self.began)
                self.changed.notify_all()
            if self.console_file:
                self.console_file.write(text + '\n')
                self.console_file.flush()
            if self.on_line:
                self.on_line(self.times[-1], text)
        with self.changed:
            self.changed.notify_all()

    def find(self, pattern):
        pattern = re.compile(pattern) if isinstance(pattern, str) else pattern
        return next((line for line in list(self.lines) if pattern.search(line)), None)

    def wait_for(self, *patterns, timeout):
        """Index of the first pattern that a console line matches; None: QEMU ended or time ran out."""
        compiled = [re.compile(p) if isinstance(p, str) else p for p in patterns]
        end, seen = time.monotonic() + timeout, 0
        while True:
            with self.changed:
                while seen >= len(self.lines):
                    left = end - time.monotonic()
                    if left <= 0:
                        return None
                    if not self.reader.is_alive() and seen >= len(self.lines):
                        return None
                    self.changed.wait(min(left, 1.0))
                line = self.lines[seen]
                seen += 1
            for i, pattern in enumerate(compiled):
                if pattern.search(line):
                    return i

    def wait_off(self, timeout):
        """True when the guest has powered itself off within timeout seconds."""
        try:
            self.qemu.wait(timeout)
        except subprocess.TimeoutExpired:
            return False
        self.reader.join(10)
        return True

    def command(self, name, **arguments):
        if not self.qmp:
            self.qmp = Qmp(self.qmp_path)
        return self.qmp.command(name, **arguments)

    def power_button(self, timeout):
        """ACPI power button; True when the guest ended by itself."""
        if self.qemu.poll() is None:
            self.command('system_powerdown')
        return self.wait_off(timeout)

    def pull_plug(self):
        """Power cut."""
        if self.qemu.poll() is None:
            self.qemu.kill()
        self.qemu.wait()
        self.reader.join(10)

    def close(self):
        self.pull_plug()
        if self.console_file:
            self.console_file.close()
        shutil.rmtree(self.work, ignore_errors=True)
