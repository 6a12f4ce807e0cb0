using System.Net;
using MtaTls.Protocol;

namespace MtaTls.AspNetCore.Connections;

/// <summary>What the connections of one client address share, so that one tenant can't take what is there for all. It lives as long as one of them, or what one of them has begun.</summary>
#pragma warning disable CA1001 // A SemaphoreSlim whose wait handle nobody asks for holds nothing to dispose.
internal sealed class ClientAddress(MtaTlsLimits limits, MtaTlsReceiveBudget server, MtaTlsSendBudget serverSend, ClientAddresses? table = null, IPAddress? key = null)
#pragma warning restore CA1001
{
    private MtaTlsReceiveBudget? _receiveBudget;
    private MtaTlsSendBudget? _sendBudget;
    private SemaphoreSlim? _lookups;

    /// <summary>Handshakes and sessions; the table's.</summary>
    public int Connections { get; set; }

    /// <summary>Connections, and what goes on when they have ended; the table's.</summary>
    public int Holders { get; set; }

    public IPAddress? Key => key;

    /// <summary>What all its sessions may have in flight or unread: a part of the server's, or that itself where there is no smaller part.</summary>
    public MtaTlsReceiveBudget ReceiveBudget =>
        HasOwnBudget ? LazyInitializer.EnsureInitialized(ref _receiveBudget, () => new MtaTlsReceiveBudget(limits.AddressReceiveBudget, server)) : server;

    /// <summary>What the buffers of all its sessions may hold to be sent: a part of the server's, or that itself where there is no smaller part.</summary>
    public MtaTlsSendBudget SendBudget =>
        HasOwnSendBudget ? LazyInitializer.EnsureInitialized(ref _sendBudget, () => new MtaTlsSendBudget(limits.AddressSendBudget, serverSend)) : serverSend;

    /// <summary>Whether <see cref="ReceiveBudget"/> is not the server's own.</summary>
    public bool HasOwnBudget => limits.AddressReceiveBudget < limits.ServerReceiveBudget;

    /// <summary>Whether <see cref="SendBudget"/> is not the server's own.</summary>
    public bool HasOwnSendBudget => limits.AddressSendBudget < limits.ServerSendBudget;

    /// <summary>TCP connections to the destinations of its channels.</summary>
    public CountLimit TcpConnections { get; } = new();

    /// <summary>Something goes on that counts although the session may end: who comes back must not find it forgotten. <see cref="Drop"/> is to follow.</summary>
    public void Hold() => table?.Hold(this);

    public void Drop() => table?.Drop(this);

    /// <summary>Has room for as many name lookups as may be under way for the address.</summary>
    public SemaphoreSlim Lookups(int limit) => LazyInitializer.EnsureInitialized(ref _lookups, () => new SemaphoreSlim(limit));
}
