using System.Diagnostics.CodeAnalysis;

namespace MtaTls.Protocol;

/// <summary>
/// The channels of a session by id, the opens of either end that wait for an answer, and the ids that were freed last. Guarded by the session's lock.
/// </summary>
internal sealed class ChannelTable(MtaTlsRole role, int remembered)
{
    private readonly Dictionary<uint, MtaTlsChannel> _channels = [];
    private readonly Dictionary<ushort, PendingOpen> _ownOpens = [];
    private readonly Dictionary<ushort, MtaTlsChannelRequest> _peerOpens = [];
    private readonly ChannelIdAllocator _senderHalves = new(role);
    private readonly ChannelIdAllocator _receiverHalves = new(role);
    private readonly HashSet<uint> _freed = [];
    private readonly Queue<uint> _freedInOrder = new();
    private int _ownSignals;

    public int PeerOpens => _peerOpens.Count;

    public IEnumerable<MtaTlsChannel> Channels => _channels.Values;

    /// <summary>This end's opens that wait for an answer, without signals: a shutdown does not wait for those, and they count against no limit.</summary>
    public int OwnOpenCount => _ownOpens.Count - _ownSignals;

    public IEnumerable<PendingOpen> OwnOpens => _ownOpens.Values;

    public IEnumerable<MtaTlsChannelRequest> PeerRequests => _peerOpens.Values;

    public bool TryGet(ChannelId id, [NotNullWhen(true)] out MtaTlsChannel? channel) => _channels.TryGetValue(id.Value, out channel);

    public bool WasFreed(ChannelId id) => _freed.Contains(id.Value);

    /// <summary>Takes a sender_channel_id for an open of this end, unique among its pending opens.</summary>
    public bool TryAddOwnOpen(PendingOpen open)
    {
        if (!_senderHalves.TryTake(static (table, half) => table._ownOpens.ContainsKey(half), this, out ushort half, out bool shared))
        {
            return false;
        }

        open.SenderChannelId = half;
        open.SharesHalf = shared;
        _ownOpens.Add(half, open);
        _ownSignals += open.IsSignal ? 1 : 0;
        return true;
    }

    public bool HasOwnOpen(ushort senderChannelId) => _ownOpens.ContainsKey(senderChannelId);

    /// <summary>Removes an open of this end that was answered.</summary>
    public bool TryTakeOwnOpen(ushort senderChannelId, [NotNullWhen(true)] out PendingOpen? open)
    {
        bool found = _ownOpens.Remove(senderChannelId, out open);
        _ownSignals -= found && open!.IsSignal ? 1 : 0;
        return found;
    }

    /// <summary>Frees the half of an open that the peer refused.</summary>
    public void FreeOwnOpen(PendingOpen open)
    {
        if (!open.SharesHalf)
        {
            _senderHalves.Return(open.SenderChannelId);
        }
    }

    public void AddPeerOpen(MtaTlsChannelRequest request) => _peerOpens.Add(request.SenderChannelId, request);

    public bool HasPeerOpen(ushort senderChannelId) => _peerOpens.ContainsKey(senderChannelId);

    public bool RemovePeerOpen(MtaTlsChannelRequest request) => _peerOpens.Remove(request.SenderChannelId);

    /// <summary>Takes a receiver_channel_id for the peer's open, so that the pair is unique among the established channels.</summary>
    public bool TryTakeReceiverHalf(ushort senderChannelId, out ChannelId id, out bool shared)
    {
        bool found = _receiverHalves.TryTake(
            static (state, half) => state.table._channels.ContainsKey(new ChannelId(state.senderChannelId, half).Value), (table: this, senderChannelId), out ushort half, out shared);
        id = new(senderChannelId, half);
        return found;
    }

    public void Add(MtaTlsChannel channel)
    {
        _channels.Add(channel.Id.Value, channel);
        // The id is live again, so late packets for the earlier channel can no longer be told apart.
        _freed.Remove(channel.Id.Value);
    }

    /// <summary>Frees a channel's id.</summary>
    public void Free(MtaTlsChannel channel)
    {
        if (!_channels.Remove(channel.Id.Value))
        {
            return;
        }

        if (!channel.SharesHalf)
        {
            if (channel.IsOwn)
            {
                _senderHalves.Return(channel.Id.Sender);
            }
            else
            {
                _receiverHalves.Return(channel.Id.Receiver);
            }
        }
        if (_freed.Add(channel.Id.Value))
        {
            _freedInOrder.Enqueue(channel.Id.Value);
        }

        if (_freedInOrder.Count > remembered)
        {
            _freed.Remove(_freedInOrder.Dequeue());
        }
    }

    public void Clear()
    {
        _channels.Clear();
        _ownOpens.Clear();
        _ownSignals = 0;
        _peerOpens.Clear();
    }
}
