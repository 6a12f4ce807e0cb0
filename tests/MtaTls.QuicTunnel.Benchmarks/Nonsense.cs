using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MtaTls.Tests.Network;

namespace MtaTls.QuicTunnel.Benchmarks;

/// <summary>Sends packets of an attacker without keys at a rate, from several ports of a namespace, on a thread of its own.</summary>
internal sealed class Nonsense : IDisposable
{
    private const int Ports = 16;
    private readonly Socket[] _sockets;
    private readonly Thread _thread;
    private readonly IPEndPoint _target;
    private readonly double _rate;
    private readonly byte[] _packet;
    private readonly int _randomFrom;
    private volatile bool _ended;
    private long _sent;

    private Nonsense(string name, IPAddress from, IPEndPoint target, double rate, byte[] packet, int randomFrom)
    {
        (_target, _rate, _packet, _randomFrom) = (target, rate, packet, randomFrom);
        _sockets = [.. Enumerable.Range(0, Ports).Select(_ => NamespaceSockets.Bind(name, new IPEndPoint(from, 0)))];
        _thread = new Thread(Send) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The number of packets that were sent.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Packets that look like first packets of QUIC connections: random ids, random content.</summary>
    public static Nonsense Initials(string name, IPAddress from, IPEndPoint target, double rate)
    {
        byte[] packet = new byte[1200];
        RandomNumberGenerator.Fill(packet);
        packet[0] = 0xC3;
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(1), 1);
        packet[5] = 8; // destination id
        packet[14] = 8; // source id
        packet[23] = 0; // no token
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(24), (ushort)(0x4000 | (packet.Length - 26)));
        return new Nonsense(name, from, target, rate, packet, randomFrom: 6);
    }

    /// <summary>Packets with a connection id that an attacker has seen, and random content.</summary>
    public static Nonsense Forged(string name, IPAddress from, IPEndPoint target, double rate, ReadOnlySpan<byte> connectionId)
    {
        byte[] packet = new byte[100];
        RandomNumberGenerator.Fill(packet);
        packet[0] = 0x43;
        connectionId.CopyTo(packet.AsSpan(1));
        return new Nonsense(name, from, target, rate, packet, randomFrom: 1 + connectionId.Length);
    }

    public void Dispose()
    {
        _ended = true;
        _thread.Join();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }
    }

    private void Send()
    {
        var watch = Stopwatch.StartNew();
        SocketAddress target = _target.Serialize();
        var random = new Random(1);
        while (!_ended)
        {
            long due = (long)(watch.Elapsed.TotalSeconds * _rate);
            for (; _sent < due && !_ended; _sent++)
            {
                // New ids in each packet; the other bytes are random already.
                BinaryPrimitives.WriteInt64LittleEndian(_packet.AsSpan(_randomFrom), random.NextInt64());
                if (_packet.Length > 1000)
                {
                    BinaryPrimitives.WriteInt64LittleEndian(_packet.AsSpan(15), random.NextInt64());
                }

                try
                {
                    _sockets[_sent % Ports].SendTo(_packet, SocketFlags.None, target);
                }
                catch (SocketException)
                {
                    // The network is down, or its queue is full.
                }
            }

            Thread.Sleep(1);
        }
    }
}
