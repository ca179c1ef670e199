# Starts every other process, so that none outlives trtdoctor and none can harm it. It is their parent
# and, on Linux, that of whatever leaves their groups and sessions (a child subreaper), and ends all of
# them once the socket that it was given is closed: by trtdoctor, or by the end of trtdoctor.
#
# A request is a byte with descriptors: a file with argv, env and memory (in bytes or null), a socket
# that lives as long as the process may, its stdout, its stderr, and what it gets as descriptor 3. The
# socket is told [errno, what] if it cannot be started, else its wait status once it has ended; shutting
# it down ends the process. Both are told by marshal, for the Python at either end is the same.
#
# Every look waits for it to start, so it imports next to nothing of the standard library that is not C.
import _signal as signal
import _socket as socket
import fcntl
import marshal
import os
import resource
import select
import sys
import time

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
# Descriptors of the processes' own are below it, and ours for the time between fork and exec above.
_ABOVE = 200
# What the kernel does not end at once, as in a hung driver, is not waited for.
_PATIENCE_S = 1.0


def _prctl():
    try:
        import ctypes

        call = ctypes.CDLL(None).prctl
    except (ImportError, OSError, AttributeError):
        return lambda *arguments: None
    return lambda option, value: call(option, ctypes.c_ulong(value), *[ctypes.c_ulong(0)] * 3)


class Spawner:
    def __init__(self, control):
        self.control = control
        self.prctl = _prctl()
        self.me = os.getpid()
        # The leaders of groups that live, each with the socket that is told how it ended.
        self.leaders = {}
        self.prctl(_PR_SET_CHILD_SUBREAPER, 1)
        # What a library sends to its parent is for nobody; a handler, unlike an ignored signal, is not
        # handed on to the processes that are started.
        kept = (signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
        for number in range(1, signal.NSIG):
            try:
                if number not in kept and signal.getsignal(number) is not signal.SIG_IGN:
                    signal.signal(number, lambda *_: None)
            except (OSError, ValueError):
                continue
        self.woken, waker = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(waker, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)

    def work(self):
        while True:
            lives = {life.fileno(): pid for pid, life in self.leaders.items()}
            ready, _, _ = select.select([self.control, self.woken, *lives], [], [])
            if self.woken in ready:
                os.read(self.woken, 4096)
            for descriptor in ready:
                # Nothing is ever sent to it, so what there is to read is its end.
                if descriptor in lives:
                    self.end(lives[descriptor])
            if self.control in ready:
                descriptors = self.request()
                if descriptors is None:
                    return
                self.start(*descriptors)
            self.reap()

    def request(self):
        size = 4
        data, ancillary, _, _ = self.control.recvmsg(1, socket.CMSG_SPACE(8 * size))
        if not data:
            return None
        found = []
        for level, kind, held in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                ends = range(size, len(held) + 1, size)
                found += [int.from_bytes(held[e - size : e], sys.byteorder) for e in ends]
        return found

    def start(self, request, life, *streams):
        with os.fdopen(request, "rb") as stream:
            stream.seek(0)
            asked = marshal.loads(stream.read())
        life = socket.socket(fileno=life)
        failed, fails = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                self.become(asked, streams, fails)
            finally:
                os._exit(127)
        os.close(fails)
        for descriptor in streams:
            os.close(descriptor)
        with os.fdopen(failed, "rb") as stream:
            said = stream.read()
        if said:
            os.waitpid(pid, 0)
            self.tell(life, said)
        else:
            self.leaders[pid] = life

    def become(self, asked, streams, fails):
        fails = fcntl.fcntl(fails, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
        try:
            os.setsid()
            self.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != self.me:
                os._exit(127)
            try:
                nothing = os.open(os.devnull, os.O_RDONLY)
            except OSError:
                nothing, end = os.pipe()
                os.close(end)
            moved = [fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for d in (nothing, *streams)]
            for number, descriptor in enumerate(moved):
                os.dup2(descriptor, number)
            os.closerange(len(moved), _ABOVE)
            for number in (signal.SIGPIPE, signal.SIGXFSZ):
                signal.signal(number, signal.SIG_DFL)
            if asked["memory"] is not None:
                _, most = resource.getrlimit(resource.RLIMIT_DATA)
                limit = asked["memory"] if most < 0 else min(asked["memory"], most)
                resource.setrlimit(resource.RLIMIT_DATA, (limit, most))
            os.execve(asked["argv"][0], asked["argv"], asked["env"])
        except Exception as error:
            told = [getattr(error, "errno", None), getattr(error, "strerror", None) or str(error)]
            os.write(fails, marshal.dumps(told))

    def tell(self, life, said):
        try:
            life.sendall(said)
        except OSError:
            pass
        life.close()

    def end(self, pid):
        try:
            os.killpg(pid, signal.SIGKILL)
        except OSError:
            pass

    def reap(self):
        ended = []
        while True:
            try:
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                break
            if found is None:
                break
            pid = found.si_pid
            if pid in self.leaders:
                # Not yet reaped, so its group's number cannot belong to another.
                self.end(pid)
            _, status = os.waitpid(pid, 0)
            if pid in self.leaders:
                ended.append((self.leaders.pop(pid), status))
        if ended and not self.leaders:
            # Whose an orphan is nobody can tell, so that each lives until no process is left.
            self.end_orphans()
        for life, status in ended:
            self.tell(life, marshal.dumps(status))

    def end_orphans(self):
        ends_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends_at:
            orphans = [pid for pid in self.children() if pid not in self.leaders]
            if not orphans:
                return
            for pid in orphans:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            # Its own children become ours as it ends.
            time.sleep(0.001)
            for pid in orphans:
                try:
                    os.waitpid(pid, os.WNOHANG)
                except ChildProcessError:
                    pass

    def children(self):
        try:
            with open("/proc/self/task/%d/children" % self.me) as stream:
                return [int(word) for word in stream.read().split()]
        except OSError:
            pass
        found = []
        try:
            entries = [entry for entry in os.listdir("/proc") if entry.isdigit()]
        except OSError:
            entries = []
        for entry in entries:
            try:
                with open("/proc/%s/stat" % entry, "rb") as stream:
                    if int(stream.read().rpartition(b")")[2].split()[1]) == self.me:
                        found.append(int(entry))
            except (OSError, ValueError, IndexError):
                continue
        return found

    def end_all(self):
        for pid in self.leaders:
            self.end(pid)
        self.leaders = {}
        self.end_orphans()


if __name__ == "__main__":
    spawner = Spawner(socket.socket(fileno=int(sys.argv[1])))
    try:
        spawner.work()
    finally:
        spawner.end_all()
        os._exit(0)
