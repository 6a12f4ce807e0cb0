using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Receives the packets of sockets that do not belong to one connection.</summary>
internal interface IPacketRouter
{
    /// <summary>A packet arrived. The callee may change its bytes. The span is valid only during the call.</summary>
    void Route(Span<byte> packet, in RawAddress local, in RawAddress remote, int socketIndex);

    /// <summary>The loop has removed a connection.</summary>
    void Forgotten(Ngtcp2Connection connection);
}

/// <summary>
/// One thread that owns sockets and connections. It waits for packets, timers and work from other threads. All work of its connections runs on it.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The thread frees its resources when it ends.")]
internal sealed unsafe class QuicLoop
{
    private const int ReceiveRounds = 4;

    private readonly WakeEvent _event = new();
    private readonly Thread _thread;
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly List<UdpSocket?> _sockets = [];
    private readonly Dictionary<int, UdpSocket> _socketsByIndex = [];
    private readonly Dictionary<ConnectionId, Ngtcp2Connection> _ids = [];
    private readonly HashSet<Ngtcp2Connection> _connections = [];
    private readonly List<Ngtcp2Connection> _waitingForSocket = [];
    private readonly PacketReceiver _receiver;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _stateLock = new();
    private readonly byte[] _resetKey;
    private readonly int _index, _count;
    private readonly double _nanosecondsPerTick;
    private Ngtcp2Connection? _scheduled; // The top of a lock-free stack that any thread pushes to.
    private LibSocket.PollDescriptor[] _poll = new LibSocket.PollDescriptor[8];
    private int _nextSocketIndex;
    private int _sleeping;
    private bool _closedForPosts, _stop;

    /// <summary>Creates a loop. <see cref="Start"/> starts its thread.</summary>
    /// <param name="library">The loaded ngtcp2.</param>
    /// <param name="logger">Where connections log.</param>
    /// <param name="time">The clock.</param>
    /// <param name="name">The thread's name.</param>
    /// <param name="maxPacket">The largest packet that is sent, in bytes.</param>
    /// <param name="resetKey">The key of the stateless reset tokens.</param>
    /// <param name="index">This loop's number among the loops of the listener, from 0.</param>
    /// <param name="count">The number of loops of the listener.</param>
    public QuicLoop(LibNgtcp2 library, ILogger logger, TimeProvider time, string name, int maxPacket, byte[] resetKey, int index = 0, int count = 1)
    {
        (Library, Logger, Time, _resetKey, _index, _count) = (library, logger, time, resetKey, index, count);
        _nanosecondsPerTick = 1e9 / time.TimestampFrequency;
        Callbacks = Ngtcp2Callbacks.Create(library);
        MaxReceivedPacket = Math.Max(2048, maxPacket);
        Sender = new PacketSender(maxPacket);
        _receiver = new PacketReceiver(MaxReceivedPacket);
        UpdateTime();
        _thread = new Thread(Run) { IsBackground = true, Name = name };
    }

    public LibNgtcp2 Library { get; }

    public ILogger Logger { get; }

    public TimeProvider Time { get; }

    public NativeCallbacks Callbacks { get; }

    public PacketSender Sender { get; }

    public ExpiryHeap Expiries { get; } = new();

    public int MaxReceivedPacket { get; }

    /// <summary>The time of this round, in nanoseconds, for ngtcp2.</summary>
    public ulong Now { get; private set; }

    /// <summary>The time of this round, as <see cref="TimeProvider.GetTimestamp"/> of <see cref="Time"/>.</summary>
    public long Timestamp { get; private set; }

    /// <summary>Receives the packets of sockets without an owner.</summary>
    public IPacketRouter? Router { get; set; }

    /// <summary>Completes when the thread has ended.</summary>
    public Task Ended => _ended.Task;

    public void Start() => _thread.Start();

    /// <summary>Runs an action on the loop. False, and the action does not run, when the loop has ended.</summary>
    public bool Post(Action action)
    {
        lock (_stateLock)
        {
            if (_closedForPosts)
            {
                return false;
            }

            _posted.Enqueue(action);
        }
        Wake();
        return true;
    }

    /// <summary>Tells the loop that the connection has work. Any thread may call it. Allocates nothing.</summary>
    public void Schedule(Ngtcp2Connection connection)
    {
        if (Interlocked.Exchange(ref connection.Scheduled, 1) != 0)
        {
            return;
        }

        Ngtcp2Connection? top = Volatile.Read(ref _scheduled);
        while (true)
        {
            connection.NextScheduled = top;
            Ngtcp2Connection? seen = Interlocked.CompareExchange(ref _scheduled, connection, top);
            if (ReferenceEquals(seen, top))
            {
                break;
            }

            top = seen;
        }
        Wake();
    }

    /// <summary>Schedules the connection when blocked sockets accept packets again.</summary>
    public void ScheduleUnblocked(Ngtcp2Connection connection)
    {
        if (!_waitingForSocket.Contains(connection))
        {
            _waitingForSocket.Add(connection);
        }
    }

    /// <summary>Ends every connection and the thread.</summary>
    public void Stop() => Post(() => _stop = true);

    public void Add(Ngtcp2Connection connection) => _connections.Add(connection);

    public void Forget(Ngtcp2Connection connection)
    {
        _connections.Remove(connection);
        _waitingForSocket.Remove(connection);
        Router?.Forgotten(connection);
    }

    /// <summary>A copy of the list of connections, including ended ones that still answer late packets. A copy, because callers may end connections.</summary>
    public Ngtcp2Connection[] Connections() => [.. _connections];

    public void AddSocket(UdpSocket socket)
    {
        // A number is never used again, because ngtcp2 may still validate a path of a closed socket.
        socket.Index = _nextSocketIndex++;
        _sockets.Add(socket);
        _socketsByIndex.Add(socket.Index, socket);
    }

    public void RemoveSocket(UdpSocket socket)
    {
        if (_socketsByIndex.Remove(socket.Index))
        {
            // The entry stays until the end of the round, because indexes must match those of the poll array.
            _sockets[_sockets.IndexOf(socket)] = null;
        }

        socket.Dispose();
    }

    public UdpSocket? Socket(int index) => _socketsByIndex.GetValueOrDefault(index);

    public bool TryGet(ConnectionId id, out Ngtcp2Connection connection) => _ids.TryGetValue(id, out connection!);

    public void AddId(ConnectionId id, Ngtcp2Connection connection) => _ids[id] = connection;

    public void RemoveId(ConnectionId id) => _ids.Remove(id);

    /// <summary>Fills in a random connection id. Its first byte identifies this loop among the loops of the listener.</summary>
    public void NewConnectionId(Span<byte> id)
    {
        RandomNumberGenerator.Fill(id);
        if (_count > 1)
        {
            id[0] = (byte)(id[0] % (256 / _count) * _count + _index);
        }
    }

    /// <summary>The number of the loop that issued an id.</summary>
    public int OwnerOf(ReadOnlySpan<byte> id) => id[0] % _count;

    /// <summary>Computes the stateless reset token of a connection id (RFC 9000, section 10.3.2).</summary>
    public void StatelessResetToken(ReadOnlySpan<byte> id, Span<byte> token)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_resetKey, id, mac);
        mac[..token.Length].CopyTo(token);
    }

    /// <summary>Frees the resources of a loop whose thread was never started.</summary>
    public void DisposeUnstarted()
    {
        _closedForPosts = true;
        Sender.Dispose();
        _receiver.Dispose();
        _event.Dispose();
    }

    private void Wake()
    {
        if (Interlocked.Exchange(ref _sleeping, 0) != 0)
        {
            _event.Set();
        }
    }

    private void UpdateTime()
    {
        Timestamp = Time.GetTimestamp();
        Now = (ulong)(Timestamp * _nanosecondsPerTick);
    }

    private void Run()
    {
        try
        {
            while (!_stop)
            {
                Round();
            }
        }
        catch (Exception exception)
        {
            Log.LoopFailed(Logger, exception);
        }
        finally
        {
            End();
        }
    }

    private void Round()
    {
        UpdateTime();
        RunPosted();
        ServiceScheduled();
        while (Expiries.First is { } due && due.HeapExpiry <= Now && !_stop)
        {
            Service(due);
        }

        Wait();
    }

    private void RunPosted()
    {
        while (_posted.TryDequeue(out Action? action))
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                Log.ActionFailed(Logger, exception);
            }
        }
    }

    private void ServiceScheduled()
    {
        // Connections that are scheduled meanwhile wait for the next round. Packets are received in between, so acknowledgements are not delayed.
        Ngtcp2Connection? stack = Interlocked.Exchange(ref _scheduled, null);
        Ngtcp2Connection? queue = null;
        while (stack is not null)
        {
            Ngtcp2Connection? next = stack.NextScheduled;
            stack.NextScheduled = queue;
            queue = stack;
            stack = next;
        }
        while (queue is not null)
        {
            Ngtcp2Connection connection = queue;
            queue = queue.NextScheduled;
            connection.NextScheduled = null;
            Volatile.Write(ref connection.Scheduled, 0);
            Service(connection);
        }
    }

    private void Service(Ngtcp2Connection connection)
    {
        try
        {
            if (connection.Service())
            {
                Schedule(connection);
            }
        }
        catch (Exception exception)
        {
            connection.EndBy(exception);
        }
    }

    private void Wait()
    {
        _sockets.RemoveAll(static socket => socket is null);
        int count = 1;
        if (_poll.Length < _sockets.Count + 1)
        {
            _poll = new LibSocket.PollDescriptor[_sockets.Count * 2 + 1];
        }

        _poll[0] = new LibSocket.PollDescriptor { Descriptor = _event.Descriptor, Events = LibSocket.PollIn };
        foreach (UdpSocket? socket in _sockets)
        {
            _poll[count++] = new LibSocket.PollDescriptor
            {
                Descriptor = socket!.Descriptor,
                Events = socket.IsBlocked ? (short)(LibSocket.PollIn | LibSocket.PollOut) : LibSocket.PollIn,
            };
        }

        Interlocked.Exchange(ref _sleeping, 1);
        long timeout = -1;
        if (_stop || Volatile.Read(ref _scheduled) is not null || !_posted.IsEmpty)
        {
            timeout = 0;
        }
        else if (Expiries.First is { } first && first.HeapExpiry != Ngtcp2Structures.NoExpiry)
        {
            timeout = (long)Math.Min(first.HeapExpiry - Math.Min(Now, first.HeapExpiry), 60_000_000_000UL);
        }

        int ready;
        fixed (LibSocket.PollDescriptor* descriptors = _poll)
        {
            ready = LibSocket.Poll(descriptors, count, timeout);
        }

        Volatile.Write(ref _sleeping, 0);
        UpdateTime();
        if (ready <= 0)
        {
            return;
        }

        if (_poll[0].Returned != 0)
        {
            _event.Reset();
        }

        for (int i = 1; i < count; i++)
        {
            if (_poll[i].Returned == 0 || _sockets[i - 1] is not { } socket)
            {
                continue;
            }

            if (socket.IsBlocked && (_poll[i].Returned & LibSocket.PollOut) != 0 && socket.SendHeld(Sender))
            {
                Unblock();
            }

            Receive(socket);
        }
    }

    private void Unblock()
    {
        foreach (Ngtcp2Connection connection in _waitingForSocket)
        {
            Schedule(connection);
        }

        _waitingForSocket.Clear();
    }

    private void Receive(UdpSocket socket)
    {
        for (int round = 0; round < ReceiveRounds; round++)
        {
            int received = _receiver.Receive(socket); // None after the socket was closed.
            for (int i = 0; i < received; i++)
            {
                Span<byte> message = _receiver.Message(i, out int size);
                RawAddress remote = _receiver.Remote(i);
                RawAddress local = _receiver.Local(socket, i);
                for (; !message.IsEmpty; message = message[Math.Min(size, message.Length)..])
                {
                    Receive(socket, message[..Math.Min(size, message.Length)], local, remote);
                }
            }
            if (received < PacketReceiver.Batch)
            {
                return;
            }
        }
    }

    private void Receive(UdpSocket socket, Span<byte> packet, in RawAddress local, in RawAddress remote)
    {
        try
        {
            if (socket.Owner is Ngtcp2Connection owner)
            {
                owner.Receive(packet, socket.Local, remote, socket.Index);
            }
            else
            {
                Router?.Route(packet, local, remote, socket.Index);
            }
        }
        catch (Exception exception)
        {
            Log.ActionFailed(Logger, exception);
        }
    }

    private void End()
    {
        lock (_stateLock)
        {
            _closedForPosts = true;
        }

        RunPosted();
        foreach (Ngtcp2Connection connection in Connections())
        {
            connection.EndNow();
        }

        foreach (UdpSocket? socket in _sockets)
        {
            socket?.Dispose();
        }

        _sockets.Clear();
        Sender.Dispose();
        _receiver.Dispose();
        _event.Dispose();
        _ended.SetResult();
    }
}
