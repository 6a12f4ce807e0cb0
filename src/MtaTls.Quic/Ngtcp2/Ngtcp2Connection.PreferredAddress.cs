using System.Net;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>The server's own address, which it announces beside the one that clients connect to first (RFC 9000, section 9.6). Runs on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    private volatile IPEndPoint[] _preferredEndPoints = [];

    // At a client: the preferred address while its path is validated, then the address before. Packets from it are read too.
    private RawAddress _otherRemote;
    private bool _isMovingToPreferred;

    public IReadOnlyList<IPEndPoint> PreferredEndPoints => _preferredEndPoints;

    /// <summary>The library asks a client for its choice when the handshake is confirmed. It then validates that path, and moves when the server answers there.</summary>
    public void OnSelectPreferredAddress(NativePath* destination, NativePreferredAddress* preferred)
    {
        if (_options is not QuicClientOptions { UsePreferredAddress: true } || !TryRead(preferred, _remote.IsV6, out RawAddress address) || address.Equals(_remote))
        {
            return;
        }

        address.Span.CopyTo(new Span<byte>(destination->Remote.Address, RawAddress.Capacity));
        destination->Remote.Length = (uint)address.Length;
        destination->UserData = _library.GetPath(_native)->UserData;
        _otherRemote = address;
        _isMovingToPreferred = true;
    }

    public void OnPreferredAddressValidated(bool success)
    {
        _isMovingToPreferred = false;
        if (!success)
        {
            Log.PreferredAddressFailed(_loop.Logger, Id, _otherRemote.ToEndPoint());
        }
    }

    /// <summary>Whether a client may get packets of this connection from there. Packets from elsewhere are not read.</summary>
    private bool IsServerAddress(in RawAddress remote) => remote.Equals(_remote) || remote.Equals(_otherRemote);

    /// <summary>Tells the client of the listener's own addresses, with a connection id for them.</summary>
    private void FillPreferredAddress(byte* parameters)
    {
        if (_options is not QuicListenerOptions { PreferredAddresses: { Count: > 0 } addresses })
        {
            return;
        }

        var preferred = (NativePreferredAddress*)(parameters + _abi.ParametersPreferredAddress);
        *preferred = default;
        foreach (IPEndPoint endPoint in addresses)
        {
            var address = new RawAddress(endPoint);
            if (address.IsV6)
            {
                address.Span.CopyTo(new Span<byte>(preferred->Ipv6, 28));
                preferred->Ipv6Present = 1;
            }
            else
            {
                address.Span.CopyTo(new Span<byte>(preferred->Ipv4, 16));
                preferred->Ipv4Present = 1;
            }
        }

        preferred->ConnectionId.Length = ConnectionId.LocalLength;
        FillConnectionId(
            new Span<byte>(preferred->ConnectionId.Data, ConnectionId.LocalLength), new Span<byte>(preferred->StatelessResetToken, Ngtcp2Structures.StatelessResetTokenLength));
        parameters[_abi.ParametersPreferredAddressPresent] = 1;
    }

    /// <summary>Notes which addresses the server has announced, so that further connections can use them.</summary>
    private void ReadPreferredAddresses()
    {
        byte* parameters = _library.GetRemoteTransportParameters(_native);
        if (IsServer || parameters is null || parameters[_abi.ParametersPreferredAddressPresent] == 0)
        {
            return;
        }

        var preferred = (NativePreferredAddress*)(parameters + _abi.ParametersPreferredAddress);
        var found = new List<IPEndPoint>();
        foreach (bool isV6 in (ReadOnlySpan<bool>)[true, false])
        {
            if (TryRead(preferred, isV6, out RawAddress address))
            {
                found.Add(address.ToEndPoint());
            }
        }

        _preferredEndPoints = [.. found];
    }

    private bool TryRead(NativePreferredAddress* preferred, bool isV6, out RawAddress address)
    {
        address = default;
        if ((isV6 ? preferred->Ipv6Present : preferred->Ipv4Present) == 0)
        {
            return false;
        }

        address = isV6 ? new RawAddress(preferred->Ipv6, 28) : new RawAddress(preferred->Ipv4, 16);
        return address.IsV6 == isV6 && PreferredAddressRules.Allows(address.ToEndPoint(), _remoteEndPoint.Address);
    }
}
