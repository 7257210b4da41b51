// What the memory tests copy. One program, one mode each; /ready appears when it stands as the test wants it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void ready(void) { close(open("/ready", O_CREAT | O_WRONLY, 0644)); }
static void die(const char *what) { perror(what); exit(1); }
static void *map(size_t size, int flags) {
  void *p = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (p == MAP_FAILED) die("mmap");
  return p;
}
// Not a literal: it is in memory only, not in the executable.
static void mark(char *where, const char *name) { sprintf(where, "%s-%s-%d", "MARK", name, 4711); }

static volatile int turning;
__attribute__((noinline)) void beta_waits(void) { for (;;) pause(); }
__attribute__((noinline)) void alpha_calls(void) { beta_waits(); __asm__ volatile(""); }
__attribute__((noinline)) void gamma_turns(void) { for (;;) turning++; }
static void *first(void *unused) { alpha_calls(); return unused; }
static void *second(void *unused) { gamma_turns(); return unused; }

static void threads(void) {
  pthread_t a, b;
  char *heap = malloc(4096);
  mark(heap, "heap");
  pthread_create(&a, 0, first, 0);
  pthread_create(&b, 0, second, 0);
  while (!turning) usleep(1000);
  ready();
  pthread_join(a, 0);
}

static void reserve(void) {
  char *small = map(64ul << 30, MAP_NORESERVE), *large = map(1ul << 40, MAP_NORESERVE);
  mark(small + (63ul << 30), "reserve");
  mark(large + (1023ul << 30), "tebibyte");
  for (size_t i = 0; i < 4096; i++) turning += small[i * 4096 + (1ul << 30)];  // read, never written: the zero page
  ready();
  beta_waits();
}

// Runs itself from a memfd: the implant. argv[1] is "planted" then.
static void implant(void) {
  int from = open("/proc/self/exe", O_RDONLY), to = memfd_create("kworker", 0), n;
  static char buffer[65536];
  while ((n = read(from, buffer, sizeof buffer)) > 0) if (write(to, buffer, n) != n) die("write");
  if (!fork()) { execl("/bin/busybox", "sleep", "100000", (char *)0); die("sleep"); }
  char *args[] = {"[kworker]", "planted", 0};
  fexecve(to, args, environ);
  die("fexecve");
}
static void planted(void) { mark(map(4096, 0), "planted"); ready(); beta_waits(); }

static void pages(void) {
  int file = open("/program", O_RDONLY), memory = memfd_create("store", 0);
  char *changed = mmap(0, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  mark(changed + 5 * 4096, "changed");
  char *hidden = map(4096, 0);
  mark(hidden, "hidden");
  mprotect(hidden, 4096, PROT_NONE);
  char text[4096] = "";
  mark(text, "untouched");
  if (ftruncate(memory, 1ul << 36) || pwrite(memory, text, 4096, 1ul << 35) != 4096) die("memfd");
  if (mmap(0, 1ul << 36, PROT_READ, MAP_SHARED, memory, 0) == MAP_FAILED) die("map memfd");
  close(memory);
  char *shared = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  mark(shared, "shared");
  int gone = open("/gone", O_CREAT | O_RDWR, 0644);
  mark(text, "gone");
  if (write(gone, text, 4096) != 4096) die("gone");
  if (mmap(0, 4096, PROT_READ, MAP_SHARED, gone, 0) == MAP_FAILED) die("map gone");
  unlink("/gone");
  close(gone);
  ready();
  beta_waits();
}

// Memory the kernel shows nobody else, beside memory that is plain to see; a listener towards the machine this one runs on. /none: this kernel has no such memory.
static void secret(void) {
  int memory = syscall(447 /* memfd_secret */, 0), line = socket(AF_VSOCK, SOCK_STREAM, 0);
  struct sockaddr_vm here = {.svm_family = AF_VSOCK, .svm_port = VMADDR_PORT_ANY, .svm_cid = VMADDR_CID_ANY};
  if (line >= 0 && (bind(line, (struct sockaddr *)&here, sizeof here) || listen(line, 1))) die("vsock");
  mark(map(4096, 0), "plain");
  if (memory < 0) close(open("/none", O_CREAT | O_WRONLY, 0644));
  else {
    if (ftruncate(memory, 8192)) die("size");
    char *hidden = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (hidden == MAP_FAILED) die("map secret");
    mark(hidden, "secret");
  }
  ready();
  beta_waits();
}

// 60,000 mappings and 6,000 runs: more segments than an ELF header can count.
static void many(void) {
  char *block = map(120000ul * 4096, MAP_NORESERVE);
  for (size_t i = 0; i < 60000; i += 2) if (mprotect(block + i * 4096, 4096, PROT_READ)) break;
  char *sparse = map(12000ul * 4096, MAP_NORESERVE);
  madvise(sparse, 12000ul * 4096, MADV_NOHUGEPAGE);
  for (size_t i = 0; i < 12000; i += 2) mark(sparse + i * 4096, "many");
  ready();
  beta_waits();
}

// One thread waits for a page nobody brings, inside a system call: it cannot be frozen.
static char *uffd_page;
static void *stuck(void *unused) {
  int pipes[2];
  if (pipe(pipes)) die("pipe");
  turning = write(pipes[1], uffd_page, 1) + 2;
  return unused;
}
static void uninterruptible(void) {
  int fd = syscall(SYS_userfaultfd, O_CLOEXEC);
  if (fd < 0) die("userfaultfd");
  struct uffdio_api api = {.api = UFFD_API};
  if (ioctl(fd, UFFDIO_API, &api)) die("api");
  uffd_page = map(4096, 0);
  struct uffdio_register range = {.range = {(unsigned long)uffd_page, 4096}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  if (ioctl(fd, UFFDIO_REGISTER, &range)) die("register");
  pthread_t thread;
  pthread_create(&thread, 0, stuck, 0);
  char event[64];
  if (read(fd, event, sizeof event) <= 0) die("event");
  ready();
  beta_waits();
}

static void hold(size_t mebibytes, int reserves) {
  unsigned long *p = map(mebibytes << 20, 0), x = 88172645463325252ul;
  for (size_t i = 0; i < (mebibytes << 20) / 8; i++) { x ^= x << 13; x ^= x >> 7; x ^= x << 17; p[i] = x; }
  if (reserves) map(64ul << 30, MAP_NORESERVE);
  ready();
  beta_waits();
}
static void dead_leader_rest(void) { mark(map(4096, 0), "rest"); ready(); beta_waits(); }
static void *rest(void *unused) { while (!turning) usleep(1000); usleep(100000); dead_leader_rest(); return unused; }

// The implant of an intrusion: its executable is gone, it reports over a connection it keeps.
__attribute__((noinline)) void beacon_reports(int line) {
  for (;;) { if (write(line, "BEACON-4711\n", 12) != 12) die("report"); usleep(100000); }
}
static void beacon(const char *address, int port) {
  int line = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  unlink("/program");
  mark(map(4096, 0), "beacon");
  if (connect(line, (struct sockaddr *)&to, sizeof to)) die("connect");
  pthread_t thread;
  pthread_create(&thread, 0, first, 0);
  ready();
  beacon_reports(line);
}

int main(int count, char **args) {
  const char *mode = count > 1 ? args[1] : "";
  if (!strcmp(mode, "threads")) threads();
  else if (!strcmp(mode, "reserve")) reserve();
  else if (!strcmp(mode, "implant")) implant();
  else if (!strcmp(mode, "planted")) planted();
  else if (!strcmp(mode, "pages")) pages();
  else if (!strcmp(mode, "secret")) secret();
  else if (!strcmp(mode, "many")) many();
  else if (!strcmp(mode, "hold")) hold(count > 2 ? atol(args[2]) : 1024, count < 4);
  else if (!strcmp(mode, "beacon")) beacon(args[2], atoi(args[3]));
  else if (!strcmp(mode, "uninterruptible")) uninterruptible();
  else if (!strcmp(mode, "dead-leader")) {
    if (!fork()) { pthread_t t; pthread_create(&t, 0, rest, 0); turning = 1; pthread_exit(0); }
    beta_waits();
  }
  return 2;
}
