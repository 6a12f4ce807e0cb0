using System.Net;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>The budgets and counts that the connections of one client address share, so that one address cannot use up the server's. It is kept while a connection or a holder (<see cref="Hold"/>) exists.</summary>
#pragma warning disable CA1001 // A SemaphoreSlim needs no disposal while nothing uses its wait handle.
internal sealed class ClientAddress(MtaTlsLimits limits, MtaTlsReceiveBudget server, MtaTlsSendBudget serverSend, ClientAddresses? table = null, IPAddress? key = null)
#pragma warning restore CA1001
{
    private MtaTlsReceiveBudget? _receiveBudget;
    private MtaTlsSendBudget? _sendBudget;
    private SemaphoreSlim? _lookups;

    /// <summary>Handshakes and sessions of the address. Guarded by the lock of <see cref="ClientAddresses"/>.</summary>
    public int Connections { get; set; }

    /// <summary>Connections, and calls of <see cref="Hold"/> without <see cref="Drop"/>. Guarded by the lock of <see cref="ClientAddresses"/>.</summary>
    public int Holders { get; set; }

    public IPAddress? Key => key;

    /// <summary>The budget for data of all its sessions that is in flight or unread: a part of the server's budget, or that budget itself if no smaller one is set.</summary>
    public MtaTlsReceiveBudget ReceiveBudget =>
        HasOwnBudget ? LazyInitializer.EnsureInitialized(ref _receiveBudget, () => new MtaTlsReceiveBudget(limits.AddressReceiveBudget, server)) : server;

    /// <summary>The budget for unsent data of all its sessions: a part of the server's budget, or that budget itself if no smaller one is set.</summary>
    public MtaTlsSendBudget SendBudget =>
        HasOwnSendBudget ? LazyInitializer.EnsureInitialized(ref _sendBudget, () => new MtaTlsSendBudget(limits.AddressSendBudget, serverSend)) : serverSend;

    /// <summary>Whether <see cref="ReceiveBudget"/> is not the server's budget itself.</summary>
    public bool HasOwnBudget => limits.AddressReceiveBudget < limits.ServerReceiveBudget;

    /// <summary>Whether <see cref="SendBudget"/> is not the server's budget itself.</summary>
    public bool HasOwnSendBudget => limits.AddressSendBudget < limits.ServerSendBudget;

    /// <summary>TCP connections to the destinations of its channels.</summary>
    public CountLimit TcpConnections { get; } = new();

    /// <summary>Keeps the address although its connections may end, for work that still counts against it. Otherwise a client that reconnects would start from zero. Call <see cref="Drop"/> later.</summary>
    public void Hold() => table?.Hold(this);

    public void Drop() => table?.Drop(this);

    /// <summary>Returns the semaphore that limits the concurrent name lookups of the address.</summary>
    public SemaphoreSlim Lookups(int limit) => LazyInitializer.EnsureInitialized(ref _lookups, () => new SemaphoreSlim(limit));
}
