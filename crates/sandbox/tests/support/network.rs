//! Actions on sockets.
#![allow(unsafe_code)]
// SAFETY of every call below: numbers and buffers of this frame with their true lengths; nothing outlives a call.

use std::mem::size_of;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::Path;

use nix::errno::Errno;

use crate::attempt::{Attempt, below, call, io, number};

/// Tries a network action; `None` if the name is not one.
pub(crate) fn run(name: &str) -> Option<Attempt> {
    let port = || number("PROBE_TCP_PORT") as u16;
    Some(match name {
        "net.tcp_connect_loopback" => io(TcpStream::connect(("127.0.0.1", port()))),
        "net.tcp6_connect_loopback" => io(TcpStream::connect(("::1", number("PROBE_TCP6_PORT") as u16))),
        "net.socket_inet_stream" => socket(libc::AF_INET, libc::SOCK_STREAM, 0),
        "net.socket_inet_dgram" => socket(libc::AF_INET, libc::SOCK_DGRAM, 0),
        "net.udp_sendto_loopback" => {
            io(UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.send_to(b"x", ("127.0.0.1", port()))))
        }
        "net.bind_listen_loopback" => io(TcpListener::bind("127.0.0.1:0")),
        "net.socket_raw_icmp" => socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP),
        "net.socket_packet" => socket(libc::AF_PACKET, libc::SOCK_RAW, 0),
        "net.socket_netlink_route" => socket(libc::AF_NETLINK, libc::SOCK_RAW, libc::NETLINK_ROUTE),
        "net.socket_vsock" => socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        "net.socket_alg" => socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0),
        "unix.socket_create" => socket(libc::AF_UNIX, libc::SOCK_STREAM, 0),
        "unix.connect_path" => io(UnixStream::connect(below("PROBE_OUTSIDE", "stream.sock"))),
        "unix.connect_abstract" => {
            let name = std::env::var("PROBE_ABSTRACT").unwrap();
            io(SocketAddr::from_abstract_name(name).and_then(|address| UnixStream::connect_addr(&address)))
        }
        "unix.bind_path_in_ws" => io(UnixListener::bind(below("PROBE_WORKSPACE", "own.sock"))),
        "unix.dgram_sendto_path" => io(UnixDatagram::unbound()
            .and_then(|socket| socket.send_to(b"x", below("PROBE_OUTSIDE", "datagram.sock")))),
        "unix.sendmsg_dgram_path" => sendmsg_to(&below("PROBE_OUTSIDE", "datagram.sock")),
        name => return pair(name),
    })
}

fn socket(domain: i32, kind: i32, protocol: i32) -> Attempt {
    call(unsafe { libc::socket(domain, kind, protocol) })
}

/// A datagram to a path without connecting: only `sendmsg` sees the address.
fn sendmsg_to(path: &Path) -> Attempt {
    let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0) };
    if fd < 0 {
        return Err(Errno::last());
    }
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as u16;
    for (slot, byte) in address.sun_path.iter_mut().zip(path.as_os_str().as_bytes()) {
        *slot = *byte as libc::c_char;
    }
    let mut text = *b"x";
    let mut part = libc::iovec { iov_base: text.as_mut_ptr().cast(), iov_len: 1 };
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = (&raw mut address).cast();
    message.msg_namelen = size_of::<libc::sockaddr_un>() as u32;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    call(unsafe { libc::sendmsg(fd, &raw const message, 0) } as i64)
}

fn pair(name: &str) -> Option<Attempt> {
    let name = name.strip_prefix("unix.")?;
    let mut fds = [0; 2];
    let made = call(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, fds.as_mut_ptr()) });
    if made.is_err() {
        return Some(made);
    }
    let mut buffer = [0_u8; 8];
    let mut length = 4_u32;
    Some(match name {
        "socketpair" => Ok(()),
        "socketpair_send_recv" => call(unsafe {
            libc::write(fds[0], c"x".as_ptr().cast(), 1);
            libc::recv(fds[1], buffer.as_mut_ptr().cast(), 1, 0)
        } as i64),
        "socketpair_send_call" => call(unsafe { libc::send(fds[0], c"x".as_ptr().cast(), 1, 0) } as i64),
        "socketpair_getsockopt" => call(unsafe {
            let value = buffer.as_mut_ptr().cast();
            libc::getsockopt(fds[0], libc::SOL_SOCKET, libc::SO_TYPE, value, &raw mut length)
        }),
        "socketpair_shutdown" => call(unsafe { libc::shutdown(fds[0], libc::SHUT_WR) }),
        "recvmmsg" => call(unsafe {
            libc::write(fds[0], c"x".as_ptr().cast(), 1);
            let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: 1 };
            let mut message: libc::mmsghdr = std::mem::zeroed();
            message.msg_hdr.msg_iov = &raw mut part;
            message.msg_hdr.msg_iovlen = 1;
            libc::recvmmsg(fds[1], &raw mut message, 1, 0, std::ptr::null_mut())
        }),
        _ => return None,
    })
}
