#!/usr/bin/python3
# play.py SIX FOUR [STATS...]   hands the cases on stdin (recording.ts has their text) to a translator, says what came out
#
# SIX, FOUR: INTERFACE=MAC, our end of each link and who is at the other end. STATS: a program that prints counters,
# NAME,VALUE a line; those that a case raised are said after it.
#
# The first line is "marker PACKET": an IPv6 packet that is sent after each one, and always translated. On one CPU
# packets keep their order: when the marker is there, so is all that came of the packet before it. A second time: so is
# what came of that, such as an error of the kernel's about a translated packet.
import os, select, socket, subprocess, sys, time

PROTOCOL = {'6': 0x86dd, '4': 0x0800}
PATIENCE = 5  # s
NOT_SAID = ('JSTAT_RECEIVED', 'JSTAT_SUCCESS', 'JSTAT_BIB_ENTRIES', 'JSTAT_SESSIONS', 'JSTAT_ICMP6ERR', 'JSTAT_ICMP4ERR')

os.sched_setaffinity(0, {0})
lines = sys.stdin.read().splitlines()
marker = bytes.fromhex(lines.pop(0).split()[1])
marker4 = marker[36:40]

class Link:
    def __init__(self, family, place):
        name, mac = place.split('=')
        self.family = family
        self.to = (name, PROTOCOL[family], 0, 0, bytes.fromhex(mac.replace(':', '')))
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.socket.bind((name, PROTOCOL[family]))
        self.socket.setblocking(False)

    def send(self, packet):
        self.socket.sendto(packet, self.to)

    # Says what has come; tells whether the marker was among it.
    def take(self):
        while True:
            try:
                packet = self.socket.recv(65536)
            except BlockingIOError:
                return False
            if self.family == '4' and packet[16:20] == marker4:
                return True
            # Neighbours and multicast listeners: the link's own talk.
            if self.family == '4' or packet[24] != 0xff:
                print('%s< %s' % (self.family, packet.hex()))

six, four = Link('6', sys.argv[1]), Link('4', sys.argv[2])

def listen(until):
    while True:
        ready = select.select([six.socket, four.socket], [], [], max(0, until - time.monotonic()))[0]
        six.take()
        if four.take():
            six.take()
            return True
        if not ready and time.monotonic() >= until:
            return False

def play(packet, link):
    link.send(packet)
    for _ in range(2):
        six.send(marker)
        if not listen(time.monotonic() + PATIENCE):
            sys.exit('play: the marker was lost')

def counters():
    if len(sys.argv) == 3:
        return {}
    out = subprocess.run(sys.argv[3:], capture_output=True, text=True, check=True).stdout
    pairs = [line.split(',')[:2] for line in out.splitlines() if line.startswith('JSTAT')]
    return {name: int(value) for name, value in pairs if not name.startswith(NOT_SAID)}

def say_raised():
    global before
    now = counters()
    for name in sorted(now):
        if now[name] != before.get(name, 0):
            print('= %s' % name)
    before = now

before = counters()
isFirst = True
for line in lines:
    word, _, rest = line.partition(' ')
    if word == 'case' and not isFirst:
        say_raised()
    isFirst = False
    print(line)
    if word == 'wait':
        listen(time.monotonic() + int(rest) / 1000)
    elif word in ('6>', '4>'):
        play(bytes.fromhex(rest), six if word == '6>' else four)
say_raised()
