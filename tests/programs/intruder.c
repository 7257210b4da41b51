// Stands as intruders stand, and does nothing: static, so that it runs in any container.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int reach(const char *address, int port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    inet_pton(AF_INET, address, &to.sin_addr);
    int s = socket(AF_INET, SOCK_STREAM, 0);
    return connect(s, (struct sockaddr *)&to, sizeof to) == 0 ? s : -1;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    if (!strcmp(mode, "shell")) {
        int s = -1;
        for (int i = 0; i < 500 && s < 0; i++) { s = reach("127.0.0.1", atoi(argv[2])); if (s < 0) usleep(20000); }
        dup2(s, 0); dup2(s, 1); dup2(s, 2);
        execl("/bin/sh", "sh", (char *)0);
    } else if (!strcmp(mode, "broker")) { // As inetd and tcpsvd do: a shell for each connection.
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        int door = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 5)) return 1;
        for (int s; (s = accept(door, 0, 0)) >= 0; close(s)) {
            if (fork() == 0) {
                dup2(s, 0); dup2(s, 1); dup2(s, 2);
                execl("/bin/sh", "sh", (char *)0);
            }
        }
    } else if (!strcmp(mode, "memory")) {
        int m = memfd_create("kdev", 0);
        int self = open("/proc/self/exe", O_RDONLY);
        char part[65536];
        for (ssize_t n; (n = read(self, part, sizeof part)) > 0;) if (write(m, part, n) != n) return 1;
        char *args[] = {"update", "wait", 0}, *none[] = {0};
        fexecve(m, args, none);
        return 1;
    } else if (!strcmp(mode, "deleted")) {
        char path[4096] = {0};
        if (readlink("/proc/self/exe", path, sizeof path - 1) < 0 || unlink(path)) return 1;
    } else if (!strcmp(mode, "called")) {
        char *args[] = {argv[2], 0};
        execv("/proc/self/exe", args);
    } else if (!strcmp(mode, "unix")) {
        struct sockaddr_un to = {.sun_family = AF_UNIX};
        strncpy(to.sun_path, argv[2], sizeof to.sun_path - 1);
        if (connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, sizeof to)) return 1;
    } else if (!strcmp(mode, "packet")) {
        if (socket(AF_PACKET, SOCK_RAW, htons(3 /* ETH_P_ALL */)) < 0) return 1;
    } else if (!strcmp(mode, "rwx")) {
        if (mmap(0, 1 << 20, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) return 1;
    } else if (!strcmp(mode, "traced")) {
        if (fork() == 0) { ptrace(PTRACE_TRACEME, 0, 0, 0); raise(SIGSTOP); }
    } else if (!strcmp(mode, "-o")) { // A miner works.
        for (;;) __asm__ volatile("");
    } else if (!strcmp(mode, "terminal")) {
        int t;
        if (forkpty(&t, 0, 0, 0) == 0) execl("/bin/sh", "sh", (char *)0);
    }
    for (;;) pause();
}
