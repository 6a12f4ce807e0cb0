using System.Runtime.InteropServices;
using System.Security.Cryptography;
using MtaTls.Quic.Sockets;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>Creates the native connection with its settings and transport parameters. Runs on the loop.</summary>
internal sealed unsafe partial class Ngtcp2Connection
{
    private QlogFile? _qlog;

    /// <summary>Starts the handshake of a client. The connection owns <paramref name="socket"/>.</summary>
    public void StartClient(UdpSocket socket)
    {
        _sockets.Add(socket);
        socket.Owner = this;
        _loop.AddSocket(socket);
        Span<byte> destination = stackalloc byte[18];
        RandomNumberGenerator.Fill(destination);
        var destinationId = new NativeConnectionId(destination);
        Start(destinationId, Ngtcp2Structures.Version1, socket.Index, default, null);
    }

    /// <summary>Starts the handshake of a server from the client's first packet. False if it failed.</summary>
    /// <param name="header">The packet's header.</param>
    /// <param name="originalId">The id that the client chose first, if the client was sent a Retry; null otherwise.</param>
    /// <param name="socketIndex">The number of the socket that the packet arrived at.</param>
    public bool StartServer(in NativePacketHeader header, in NativeConnectionId? originalId, int socketIndex)
    {
        NativeConnectionId first = header.DestinationId;
        AddId(ConnectionId.From(&first)); // The client uses it until it knows the server's id.
        return Start(header.SourceId, header.Version, socketIndex, header, originalId);
    }

    private bool Start(NativeConnectionId peerId, uint version, int socketIndex, in NativePacketHeader header, in NativeConnectionId? originalId)
    {
        try
        {
            _self = GCHandle.Alloc(this);
            _session = new TlsSession(_library, _credentials, _options, GCHandle.ToIntPtr(_self));

            byte* settings = stackalloc byte[_abi.SettingsSize];
            byte* parameters = stackalloc byte[_abi.ParametersSize];
            FillSettings(settings);
            FillQlog(settings, IsServer ? originalId ?? header.DestinationId : peerId);
            FillParameters(parameters);

            Span<byte> id = stackalloc byte[ConnectionId.LocalLength];
            _loop.NewConnectionId(id);
            AddId(new ConnectionId(id));
            var ownId = new NativeConnectionId(id);
            if (IsServer)
            {
                *(NativeConnectionId*)(parameters + _abi.ParametersOriginalDcid) = originalId ?? header.DestinationId;
                if (_abi.ParametersOriginalDcidPresent >= 0)
                {
                    parameters[_abi.ParametersOriginalDcidPresent] = 1;
                }

                if (originalId is not null)
                {
                    *(NativeConnectionId*)(parameters + _abi.ParametersRetryScid) = header.DestinationId;
                    parameters[_abi.ParametersRetryScidPresent] = 1;
                    *(byte**)(settings + _abi.SettingsToken) = header.Token;
                    *(nuint*)(settings + _abi.SettingsTokenLength) = header.TokenLength;
                    if (_abi.SettingsTokenType >= 0)
                    {
                        *(int*)(settings + _abi.SettingsTokenType) = 1; // NGTCP2_TOKEN_TYPE_RETRY
                    }
                }
                FillPreferredAddress(parameters);
                parameters[_abi.ParametersStatelessResetTokenPresent] = 1;
                _loop.StatelessResetToken(id, new Span<byte>(parameters + _abi.ParametersStatelessResetToken, Ngtcp2Structures.StatelessResetTokenLength));
            }

            RawAddress local = _local, remote = _remote;
            NativePath path = Path(&local, &remote, socketIndex);
            NativeCallbacks callbacks = _loop.Callbacks;
            nint native;
            int result = IsServer
                ? _library.ServerNew(&native, &peerId, &ownId, &path, version, 1, &callbacks, _abi.SettingsVersion, settings, 1, parameters, ConnectionMemory.Allocator, GCHandle.ToIntPtr(_self))
                : _library.ClientNew(&native, &peerId, &ownId, &path, version, 1, &callbacks, _abi.SettingsVersion, settings, 1, parameters, ConnectionMemory.Allocator, GCHandle.ToIntPtr(_self));
            if (result != 0)
            {
                throw new CryptographicException(_library.ErrorText(result));
            }

            _native = native;
            _library.SetTlsNativeHandle(_native, _session.Handle);
            _loop.Schedule(this);
            return true;
        }
        catch (Exception exception)
        {
            Finish(new QuicCloseReason(QuicCloseKind.Transport, IsRemote: false, QuicTransportError.InternalError, exception.Message, exception));
            return false;
        }
    }

    private void FillSettings(byte* settings)
    {
        _library.SettingsDefault(_abi.SettingsVersion, settings);
        *(int*)(settings + _abi.SettingsCongestionControl) = _options.CongestionControl switch
        {
            QuicCongestionControl.Reno => 0,
            QuicCongestionControl.Bbr => 2,
            _ => 1,
        };
        *(ulong*)(settings + _abi.SettingsInitialTimestamp) = _loop.Now;
        *(ulong*)(settings + _abi.SettingsInitialRtt) = Nanoseconds(_options.InitialRtt);
        *(nuint*)(settings + _abi.SettingsMaxTxUdpPayloadSize) = (nuint)_options.MaxUdpPayloadSize;
        *(ulong*)(settings + _abi.SettingsHandshakeTimeout) = Nanoseconds(_options.HandshakeTimeout);
        // These are an int in soname 9 and a byte in soname 16; on a little-endian machine the first byte is right for both.
        settings[_abi.SettingsNoPayloadSizeShaping] = _options.PathMtuDiscovery ? (byte)0 : (byte)1;
        settings[_abi.SettingsNoPathMtuDiscovery] = _options.PathMtuDiscovery ? (byte)0 : (byte)1;
    }

    private void FillQlog(byte* settings, NativeConnectionId originalId)
    {
        if (_options.QlogDirectory is not { } directory)
        {
            return;
        }

        string id = Convert.ToHexStringLower(new ReadOnlySpan<byte>(originalId.Data, (int)originalId.Length));
        _qlog = new QlogFile(directory, $"{id}-{(IsServer ? "server" : "client")}", _loop.Time, _loop.Logger);
        *(delegate* unmanaged[Cdecl]<nint, uint, byte*, nuint, void>*)(settings + _abi.SettingsQlogWrite) = Ngtcp2Callbacks.QlogWriter;
        if (_abi.SettingsQlogOriginalId >= 0)
        {
            *(NativeConnectionId*)(settings + _abi.SettingsQlogOriginalId) = originalId;
        }
    }

    /// <summary>Receives a qlog event. ngtcp2 calls it from inside any of its functions.</summary>
    public void OnQlog(ReadOnlySpan<byte> data) => _qlog?.Write(data);

    private void FillParameters(byte* parameters)
    {
        _library.TransportParametersDefault(1, parameters);
        *(ulong*)(parameters + _abi.ParametersInitialMaxStreamDataUni) = (ulong)_options.MaxStreamData;
        *(ulong*)(parameters + _abi.ParametersInitialMaxData) = InitialMaxData;
        *(ulong*)(parameters + _abi.ParametersInitialMaxStreamsUni) = (ulong)_streamsGranted;
        *(ulong*)(parameters + _abi.ParametersMaxIdleTimeout) = Nanoseconds(_options.IdleTimeout);
        *(ulong*)(parameters + _abi.ParametersMaxUdpPayloadSize) = (ulong)_loop.MaxReceivedPacket;
        *(ulong*)(parameters + _abi.ParametersActiveConnectionIdLimit) = 4;
        parameters[_abi.ParametersDisableActiveMigration] = _options is QuicListenerOptions { DisableActiveMigration: true } ? (byte)1 : (byte)0;
        *(ulong*)(parameters + _abi.ParametersMaxDatagramFrameSize) = (ulong)_options.MaxDatagramSize;
    }

    private ulong InitialMaxData => (ulong)_options.MaxStreamData * (ulong)_options.MaxConcurrentStreams;
}
