#!/bin/bash
# TRAP net-odd: sockets that a plain list misreads: (1) two listeners on one port by SO_REUSEPORT; (2) a connection half closed on each side (FIN_WAIT2, CLOSE_WAIT); (3) a connected UDP socket; (4) AF_PACKET SOCK_DGRAM of one protocol;
# (5) raw ICMP and ping socket; (6) abstract names "\0\0a\xff\xfe", "\0" alone with 107 zeroes, and a path with newline and ESC; (7) an accepted connection no one holds (its fd is in flight in a unix queue);
# (8) an IPv6 socket that talks IPv4; (9) a netlink listener for routes; (10) TCP bound by SO_BINDTODEVICE; (11) a connection closed by us, in TIME_WAIT, held by nobody.
# A CORRECT COLLECTOR: lists each once with its owners, names as bytes, states by the kernel's words, in-flight ones as sockets without an owner, ICMP and packet sockets by kind.
. "$(dirname "$0")/_lib.sh"
up() { cc_static no <<'C'
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
static struct sockaddr_in at(int port){struct sockaddr_in a={.sin_family=AF_INET,.sin_port=htons(port),.sin_addr.s_addr=htonl(INADDR_LOOPBACK)};return a;}
static int lis(int port){int s=socket(AF_INET,SOCK_STREAM,0),one=1;setsockopt(s,SOL_SOCKET,SO_REUSEPORT,&one,4);struct sockaddr_in a=at(port);if(bind(s,(void*)&a,sizeof a))perror("bind");listen(s,5);return s;}
static int con(int port){int s=socket(AF_INET,SOCK_STREAM,0);struct sockaddr_in a=at(port);if(connect(s,(void*)&a,sizeof a))perror("connect");return s;}
static void un(const char*n,int len){int s=socket(AF_UNIX,SOCK_STREAM,0);struct sockaddr_un a={.sun_family=AF_UNIX};memcpy(a.sun_path,n,len);if(bind(s,(void*)&a,2+len))perror("unix");listen(s,1);}
int main(){ if(!fork()){prctl(PR_SET_NAME,"twin");lis(4560);for(;;)pause();} lis(4560);
 int l=lis(4561),a=con(4561),b=accept(l,0,0); shutdown(a,SHUT_WR);
 int u=socket(AF_INET,SOCK_DGRAM,0);struct sockaddr_in d=at(4562);connect(u,(void*)&d,sizeof d);
 socket(AF_PACKET,SOCK_DGRAM,htons(0x806)); socket(AF_INET,SOCK_RAW,IPPROTO_ICMP);
 char z[108]={0}; un("\0\0a\xff\xfe",5); un(z,108); un("/tmp/x\n\x1b[2J",11);
 int p[2];socketpair(AF_UNIX,SOCK_DGRAM,0,p);int l2=lis(4563),e=con(4563),f=accept(l2,0,0);struct iovec iv={"x",1};char cb[CMSG_SPACE(4)]={0};struct msghdr m={.msg_iov=&iv,.msg_iovlen=1,.msg_control=cb,.msg_controllen=sizeof cb};
 struct cmsghdr*cm=CMSG_FIRSTHDR(&m);cm->cmsg_level=SOL_SOCKET;cm->cmsg_type=SCM_RIGHTS;cm->cmsg_len=CMSG_LEN(4);memcpy(CMSG_DATA(cm),&f,4);if(sendmsg(p[0],&m,0)<0)perror("sendmsg");close(f);
 int six=socket(AF_INET6,SOCK_STREAM,0);struct sockaddr_in6 s6={.sin6_family=AF_INET6,.sin6_port=htons(4561)};inet_pton(AF_INET6,"::ffff:127.0.0.1",&s6.sin6_addr);if(connect(six,(void*)&s6,sizeof s6))perror("six"); accept(l,0,0);
 int n=socket(AF_NETLINK,SOCK_RAW,NETLINK_ROUTE);struct sockaddr_nl na={.nl_family=AF_NETLINK,.nl_groups=RTMGRP_LINK};bind(n,(void*)&na,sizeof na);
 int dv=socket(AF_INET,SOCK_STREAM,0);setsockopt(dv,SOL_SOCKET,SO_BINDTODEVICE,"lo",3);struct sockaddr_in da=at(4564);bind(dv,(void*)&da,sizeof da);listen(dv,1);
 int l3=lis(4565),g=con(4565),h=accept(l3,0,0);close(g);close(h); close(open("/ready",O_CREAT|O_WRONLY,0644)); for(;;)pause(); }
C
put no no; start -- /no; }
check() { p=$(ipid); cat /proc/$p/net/tcp /proc/$p/net/tcp6 /proc/$p/net/udp /proc/$p/net/raw /proc/$p/net/packet; cat -v /proc/$p/net/unix; docker logs $C; }
main "$@"
