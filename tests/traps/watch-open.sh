#!/bin/bash
# TRAP watch-open: an inotify watch on /bin and on the program itself writes every open and read seen inside to /seen; a second process runs /bin/busybox.
# A CORRECT COLLECTOR: hashes and copies /bin/busybox without one line in /seen: it reads the file through its overlay layer, which is another inode than the one watched.
. "$(dirname "$0")/_lib.sh"
up() { cc_static wo <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/inotify.h>
int main(){ int o=open("/seen",O_CREAT|O_WRONLY|O_APPEND,0644); if(!fork()) execl("/bin/busybox","sleep","1001",NULL); sleep(1);
 int i=inotify_init(); inotify_add_watch(i,"/bin",IN_OPEN|IN_ACCESS|IN_CLOSE_NOWRITE); inotify_add_watch(i,"/bin/busybox",IN_OPEN|IN_ACCESS); inotify_add_watch(i,"/wo",IN_OPEN|IN_ACCESS);
 close(open("/ready",O_CREAT|O_WRONLY,0644)); char b[4096]; for(;;){ int n=read(i,b,sizeof b); for(char*p=b;p<b+n;){ struct inotify_event*e=(void*)p; dprintf(o,"%x %s\n",e->mask,e->len?e->name:"-"); p+=sizeof*e+e->len; } } }
C
put wo wo; start -- /wo; SETTLE=2; }
check() { cat "$(upper)/seen"; cat "/proc/$(ipid)/root/bin/busybox" >/dev/null; cat "$(upper)/seen"; }
main "$@"
