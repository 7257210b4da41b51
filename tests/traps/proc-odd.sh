#!/bin/bash
# TRAP proc-odd: processes that are not what a list shows. Each bears its name as comm: (1) "zombie": its leader ended, a thread named "hidden\n" lives on; (2) "threadns": one thread alone unshared its network namespace and listens there on 4551;
# (3) "nested": two pid namespaces below the container's, with a uts and a mount namespace of its own; (4) "growing": a deleted open file that grows all the time; (5) "sealed": runs from a sealed memfd; (6) "renamed": its program was replaced by rename(2);
# (7) "tracee": traced by its parent; (8) "cir": bears our name and our arguments; (9) "hugeargs": its command line is 2 GiB - 4 KiB long (PR_SET_MM_MAP, no right needed); (10) "mapped": uid 0 of a user namespace of its own;
# (11) "hidepid": mounted a /proc that hides others; (12) "blankargs": overwrote its arguments with nothing.
# A CORRECT COLLECTOR: has a row for each, the living thread's facts where the leader is dead, the thread that differs with its namespace, both inner pids, the bytes of (5) and (6) and what (4) held, TracerPid of (7), a bounded piece of (9) that says it is cut.
. "$(dirname "$0")/_lib.sh"
up() { cc_static po <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/prctl.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
extern char**environ;
static void name(const char*n){prctl(PR_SET_NAME,n);}
static void hang(void){for(;;)pause();}
static void*hidden(void*x){name("hidden\n");for(;;)pause();}
static void listener(int port){int s=socket(AF_INET,SOCK_STREAM,0);struct sockaddr_in a={.sin_family=AF_INET,.sin_port=htons(port)};bind(s,(void*)&a,sizeof a);listen(s,1);}
static void*alone(void*x){name("alone");if(unshare(CLONE_NEWNET))perror("unshare");listener(4551);for(;;)pause();}
static void cp(const char*a,int o){int i=open(a,0);char t[65536];int n;while((n=read(i,t,sizeof t))>0)write(o,t,n);close(i);}
static unsigned long stat_field(int want){char b[4096];int f=open("/proc/self/stat",0),n=read(f,b,4095);b[n]=0;close(f);char*p=strrchr(b,')')+2;for(int i=3;i<want;i++)p=strchr(p,' ')+1;return strtoul(p,0,10);}
static void huge(void){ unsigned long size=(2ul<<30)-4096; char*m=mmap(0,size,PROT_READ|PROT_WRITE,MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE,-1,0); strcpy(m,"hugeargs"); m[9]='x';
 struct prctl_mm_map p={.start_code=stat_field(26),.end_code=stat_field(27),.start_data=stat_field(45),.end_data=stat_field(46),.start_brk=stat_field(47),.brk=(unsigned long)sbrk(0),.start_stack=stat_field(28),
 .arg_start=(unsigned long)m,.arg_end=(unsigned long)m+size,.env_start=stat_field(50),.env_end=stat_field(51),.exe_fd=-1}; if(prctl(PR_SET_MM,PR_SET_MM_MAP,&p,sizeof p,0))perror("PR_SET_MM_MAP"); }
int main(int c,char**v){ pthread_t t; setbuf(stdout,0);
 if(c>1&&!strcmp(v[1],"stay")){name(v[2]);hang();}
 if(!fork()){name("zombie");pthread_create(&t,0,hidden,0);pthread_exit(0);}
 if(!fork()){name("threadns");pthread_create(&t,0,alone,0);hang();}
 if(!fork()){unshare(CLONE_NEWPID);if(!fork()){unshare(CLONE_NEWPID|CLONE_NEWUTS|CLONE_NEWNS);if(!fork()){name("nested");hang();}hang();}hang();}
 if(!fork()){name("growing");int f=open("/tmp/g",O_CREAT|O_RDWR,0600);unlink("/tmp/g");write(f,"GROWING-MARK\n",13);for(;;){write(f,"x",1);usleep(2000);}}
 if(!fork()){int m=memfd_create("sealed",MFD_ALLOW_SEALING);cp("/proc/self/exe",m);fcntl(m,F_ADD_SEALS,F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE);char*a[]={"sealed","stay","sealed",0};fexecve(m,a,environ);}
 if(!fork()){int o=open("/renamed",O_CREAT|O_WRONLY,0755);cp("/proc/self/exe",o);close(o);execl("/renamed","renamed","stay","renamed",NULL);}
 if(!fork()){name("tracer");pid_t p=fork();if(!p){name("tracee");ptrace(PTRACE_TRACEME,0,0,0);raise(SIGSTOP);hang();}waitpid(p,0,0);ptrace(PTRACE_CONT,p,0,0);hang();}
 if(!fork()){execl("/po","cir","stay","cir",NULL);}
 if(!fork()){name("hugeargs");huge();hang();}
 if(!fork()){int u=getuid();unshare(CLONE_NEWUSER);int f=open("/proc/self/setgroups",O_WRONLY);write(f,"deny",4);close(f);char b[64];f=open("/proc/self/uid_map",O_WRONLY);write(f,b,sprintf(b,"0 %d 1",u));close(f);name("mapped");hang();}
 if(!fork()){unshare(CLONE_NEWNS);mount("none","/",0,MS_REC|MS_PRIVATE,0);if(mount("proc","/proc","proc",0,"hidepid=2"))perror("hidepid");name("hidepid");hang();}
 if(!fork()){name("blankargs");for(char**p=v;*p;p++)memset(*p,0,strlen(*p));hang();}
 sleep(1); int o=open("/new",O_CREAT|O_WRONLY,0755);cp("/bin/busybox",o);close(o);rename("/new","/renamed"); close(open("/ready",O_CREAT|O_WRONLY,0644)); hang(); }
C
put po po; start --cap-add SYS_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=unconfined --security-opt apparmor=unconfined -- /po; SETTLE=3; }
check() { for p in $(cgprocs); do echo "$p $(cat -v /proc/$p/comm) state=$(sed 's/.*) //' /proc/$p/stat | cut -d' ' -f1) exe=$(readlink /proc/$p/exe) nspid=$(grep NSpid /proc/$p/status | cut -f2- | paste -sd' ') tracer=$(grep TracerPid /proc/$p/status | cut -f2) tasks=$(ls /proc/$p/task | wc -l)"; done; docker logs $C; }
main "$@"
