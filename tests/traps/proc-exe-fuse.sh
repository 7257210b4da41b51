#!/bin/bash
# TRAP proc-exe-fuse: a process runs a program from a FUSE file system served by its neighbour in the container; the server answers reads of the program's own pages and takes, but never answers, reads of the padding behind them.
# Whoever reads /proc/PID/exe to its end sleeps in D state and cannot be killed while the server lives.
# A CORRECT COLLECTOR: learns by O_PATH and mount id that the file may block, reads it in a process it can leave behind, states a gap after a deadline, and has every other fact of both processes.
. "$(dirname "$0")/_lib.sh"
up() { cc_static pf <<'C'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <linux/fuse.h>
static char in[1<<20], out[1<<20]; static int fd, exe; static off_t real;
static void reply(unsigned long long id,int error,int size){ struct fuse_out_header*h=(void*)out; h->len=sizeof*h+size; h->error=error; h->unique=id; write(fd,out,h->len); }
static void attr(struct fuse_attr*a,int node){ memset(a,0,sizeof*a); a->ino=node; a->mode=node==1?S_IFDIR|0755:S_IFREG|0755; a->nlink=1; a->size=node==1?0:real+(4<<20); a->blksize=4096; }
int main(int c,char**v){ if(c>1)for(;;)pause(); struct stat s; char o[128]; exe=open("/proc/self/exe",O_RDONLY); fstat(exe,&s); real=(s.st_size+0x1ffff)&~0x1ffffL; mkdir("/m",0755); fd=open("/dev/fuse",O_RDWR);
 sprintf(o,"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other",fd); if(mount("evil","/m","fuse",0,o)){perror("mount");return 1;}
 if(!fork()){ close(fd); execl("/m/f","f","s",NULL); perror("exec"); _exit(1); }
 for(;;){ int n=read(fd,in,sizeof in); if(n<0){ if(errno==EINTR||errno==ENOENT)continue; return 1; } struct fuse_in_header*h=(void*)in; void*a=in+sizeof*h; void*b=out+sizeof(struct fuse_out_header); memset(b,0,256);
 switch(h->opcode){ case FUSE_INIT:{struct fuse_init_out*i=b; i->major=7; i->minor=31; i->max_readahead=131072; i->max_write=4096; reply(h->unique,0,sizeof*i);break;}
 case FUSE_LOOKUP:{ if(strcmp(a,"f")){reply(h->unique,-ENOENT,0);break;} struct fuse_entry_out*e=b; e->nodeid=2; e->entry_valid=e->attr_valid=100000; attr(&e->attr,2); reply(h->unique,0,sizeof*e);break;}
 case FUSE_GETATTR:{struct fuse_attr_out*e=b; e->attr_valid=100000; attr(&e->attr,h->nodeid); reply(h->unique,0,sizeof*e);break;}
 case FUSE_OPEN: case FUSE_OPENDIR: reply(h->unique,0,sizeof(struct fuse_open_out));break;
 case FUSE_READ:{struct fuse_read_in*r=a; if(r->offset>=real)break; memset(b,0,r->size); pread(exe,b,r->size,r->offset); reply(h->unique,0,r->size);break;}
 case FUSE_FORGET: case FUSE_BATCH_FORGET: case FUSE_INTERRUPT: break;
 case FUSE_FLUSH: case FUSE_RELEASE: case FUSE_RELEASEDIR: case FUSE_ACCESS: reply(h->unique,0,0);break;
 default: reply(h->unique,-ENOSYS,0);} } }
C
put pf pf; start --cap-add SYS_ADMIN --device /dev/fuse --security-opt seccomp=unconfined --security-opt apparmor=unconfined -- /pf; }
check() { for p in $(cgprocs); do echo "pid $p exe=$(readlink /proc/$p/exe) $(head -c 4 /proc/$p/exe | od -An -tx1)"; done; }
main "$@"
