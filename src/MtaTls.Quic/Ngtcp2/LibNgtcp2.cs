using System.Runtime.InteropServices;
using System.Text;

namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The used functions of libngtcp2 and its GnuTLS binding. They are function pointers, because the library file and some names are chosen at run time.
/// The libraries are never unloaded.
/// </summary>
internal sealed unsafe class LibNgtcp2
{
    private static readonly Lazy<(LibNgtcp2? Library, string? Error)> s_loaded = new(Load);

    private readonly nint _library;
    private readonly nint _crypto;

    // Connections
    public readonly delegate* unmanaged[Cdecl]<nint*, NativeConnectionId*, NativeConnectionId*, NativePath*, uint, int, NativeCallbacks*, int, byte*, int, byte*, nint, nint, int> ClientNew;
    public readonly delegate* unmanaged[Cdecl]<nint*, NativeConnectionId*, NativeConnectionId*, NativePath*, uint, int, NativeCallbacks*, int, byte*, int, byte*, nint, nint, int> ServerNew;
    public readonly delegate* unmanaged[Cdecl]<nint, void> Delete;
    public readonly delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, ulong, int> ReadPacket;
    public readonly delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, nint*, uint, long, NativeVector*, nuint, ulong, nint> WriteStream;
    public readonly delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, int*, uint, ulong, NativeVector*, nuint, ulong, nint> WriteDatagram;
    public readonly delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, NativeCloseError*, ulong, nint> WriteConnectionClose;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong> GetExpiry;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong, int> HandleExpiry;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong, void> UpdatePacketTxTime;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong> GetProbeTimeout;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong> GetCongestionWindowLeft;
    public readonly delegate* unmanaged[Cdecl]<nint, nuint> GetSendQuantum;
    public readonly delegate* unmanaged[Cdecl]<nint, nuint> GetPathMaxTxUdpPayloadSize;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong, void> SetKeepAliveTimeout;
    public readonly delegate* unmanaged[Cdecl]<nint, ulong, void> ExtendMaxOffset;
    public readonly delegate* unmanaged[Cdecl]<nint, nuint, void> ExtendMaxStreamsUni;
    public readonly delegate* unmanaged[Cdecl]<nint, long*, void*, int> OpenUniStream;
    public readonly delegate* unmanaged[Cdecl]<nint, nint, void> SetTlsNativeHandle;
    public readonly delegate* unmanaged[Cdecl]<nint, NativePath*> GetPath;
    public readonly delegate* unmanaged[Cdecl]<nint, NativePath*, ulong, int> InitiateMigration;
    public readonly delegate* unmanaged[Cdecl]<nint, byte> GetTlsAlert;
    public readonly delegate* unmanaged[Cdecl]<nint, byte*> GetRemoteTransportParameters;
    public readonly delegate* unmanaged[Cdecl]<nint, NativeConnectionId*> GetDestinationId;
    public readonly delegate* unmanaged[Cdecl]<nint, int, byte*, void> GetStatistics;
    public readonly delegate* unmanaged[Cdecl]<nint, NativeCloseError*, void> GetCloseErrorSoname9;
    public readonly delegate* unmanaged[Cdecl]<nint, NativeCloseError*> GetCloseErrorSoname16;

    // Close errors
    public readonly delegate* unmanaged[Cdecl]<NativeCloseError*, ulong, byte*, nuint, void> SetApplicationError;
    public readonly delegate* unmanaged[Cdecl]<NativeCloseError*, ulong, byte*, nuint, void> SetTransportError;
    public readonly delegate* unmanaged[Cdecl]<NativeCloseError*, int, byte*, nuint, void> SetLibraryError;
    public readonly delegate* unmanaged[Cdecl]<NativeCloseError*, byte, byte*, nuint, void> SetTlsAlert;

    // Packets outside of connections
    public readonly delegate* unmanaged[Cdecl]<NativeVersionCid*, byte*, nuint, nuint, int> DecodeVersionCid;
    public readonly delegate* unmanaged[Cdecl]<NativePacketHeader*, byte*, nuint, int> Accept;
    public readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte, byte*, nuint, byte*, nuint, uint*, nuint, nint> WriteVersionNegotiation;
    public readonly delegate* unmanaged[Cdecl]<byte*, nuint, byte*, byte*, nuint, nint> WriteStatelessReset;
    public readonly delegate* unmanaged[Cdecl]<byte*, byte*, nuint, uint, byte*, uint, NativeConnectionId*, NativeConnectionId*, ulong, nint> GenerateRetryToken;
    public readonly delegate* unmanaged[Cdecl]<NativeConnectionId*, byte*, nuint, byte*, nuint, uint, byte*, uint, NativeConnectionId*, ulong, ulong, int> VerifyRetryToken;
    public readonly delegate* unmanaged[Cdecl]<byte*, nuint, uint, NativeConnectionId*, NativeConnectionId*, NativeConnectionId*, byte*, nuint, nint> WriteRetry;
    public readonly delegate* unmanaged[Cdecl]<byte*, nuint, uint, NativeConnectionId*, NativeConnectionId*, ulong, byte*, nuint, nint> WriteInitialClose;

    // Defaults and texts
    public readonly delegate* unmanaged[Cdecl]<int, byte*, void> SettingsDefault;
    public readonly delegate* unmanaged[Cdecl]<int, byte*, void> TransportParametersDefault;
    private readonly delegate* unmanaged[Cdecl]<int, byte*> _errorText;
    private readonly delegate* unmanaged[Cdecl]<nint, long, ulong, int> _shutdownWrite9, _shutdownRead9;
    private readonly delegate* unmanaged[Cdecl]<nint, uint, long, ulong, int> _shutdownWrite16, _shutdownRead16;

    // TLS
    public readonly delegate* unmanaged[Cdecl]<nint, int> ConfigureServerSession;
    public readonly delegate* unmanaged[Cdecl]<nint, int> ConfigureClientSession;

    /// <summary>The callbacks of the GnuTLS binding. <see cref="Ngtcp2Callbacks"/> adds the others.</summary>
    public readonly NativeCallbacks CryptoCallbacks;

    private LibNgtcp2(Ngtcp2Abi abi, nint library, nint crypto)
    {
        Abi = abi;
        (_library, _crypto) = (library, crypto);

        ClientNew = (delegate* unmanaged[Cdecl]<nint*, NativeConnectionId*, NativeConnectionId*, NativePath*, uint, int, NativeCallbacks*, int, byte*, int, byte*, nint, nint, int>)Get("ngtcp2_conn_client_new_versioned");
        ServerNew = (delegate* unmanaged[Cdecl]<nint*, NativeConnectionId*, NativeConnectionId*, NativePath*, uint, int, NativeCallbacks*, int, byte*, int, byte*, nint, nint, int>)Get("ngtcp2_conn_server_new_versioned");
        Delete = (delegate* unmanaged[Cdecl]<nint, void>)Get("ngtcp2_conn_del");
        ReadPacket = (delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, ulong, int>)Get("ngtcp2_conn_read_pkt_versioned");
        WriteStream = (delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, nint*, uint, long, NativeVector*, nuint, ulong, nint>)Get("ngtcp2_conn_writev_stream_versioned");
        WriteDatagram = (delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, int*, uint, ulong, NativeVector*, nuint, ulong, nint>)Get("ngtcp2_conn_writev_datagram_versioned");
        WriteConnectionClose = (delegate* unmanaged[Cdecl]<nint, NativePath*, int, ulong*, byte*, nuint, NativeCloseError*, ulong, nint>)Get("ngtcp2_conn_write_connection_close_versioned");
        GetExpiry = (delegate* unmanaged[Cdecl]<nint, ulong>)Get("ngtcp2_conn_get_expiry");
        HandleExpiry = (delegate* unmanaged[Cdecl]<nint, ulong, int>)Get("ngtcp2_conn_handle_expiry");
        UpdatePacketTxTime = (delegate* unmanaged[Cdecl]<nint, ulong, void>)Get("ngtcp2_conn_update_pkt_tx_time");
        GetProbeTimeout = (delegate* unmanaged[Cdecl]<nint, ulong>)Get("ngtcp2_conn_get_pto");
        GetCongestionWindowLeft = (delegate* unmanaged[Cdecl]<nint, ulong>)Get("ngtcp2_conn_get_cwnd_left");
        GetSendQuantum = (delegate* unmanaged[Cdecl]<nint, nuint>)Get("ngtcp2_conn_get_send_quantum");
        GetPathMaxTxUdpPayloadSize = (delegate* unmanaged[Cdecl]<nint, nuint>)Get("ngtcp2_conn_get_path_max_tx_udp_payload_size");
        SetKeepAliveTimeout = (delegate* unmanaged[Cdecl]<nint, ulong, void>)Get("ngtcp2_conn_set_keep_alive_timeout");
        ExtendMaxOffset = (delegate* unmanaged[Cdecl]<nint, ulong, void>)Get("ngtcp2_conn_extend_max_offset");
        ExtendMaxStreamsUni = (delegate* unmanaged[Cdecl]<nint, nuint, void>)Get("ngtcp2_conn_extend_max_streams_uni");
        OpenUniStream = (delegate* unmanaged[Cdecl]<nint, long*, void*, int>)Get("ngtcp2_conn_open_uni_stream");
        SetTlsNativeHandle = (delegate* unmanaged[Cdecl]<nint, nint, void>)Get("ngtcp2_conn_set_tls_native_handle");
        GetPath = (delegate* unmanaged[Cdecl]<nint, NativePath*>)Get("ngtcp2_conn_get_path");
        InitiateMigration = (delegate* unmanaged[Cdecl]<nint, NativePath*, ulong, int>)Get("ngtcp2_conn_initiate_migration");
        GetTlsAlert = (delegate* unmanaged[Cdecl]<nint, byte>)Get("ngtcp2_conn_get_tls_alert");
        GetRemoteTransportParameters = (delegate* unmanaged[Cdecl]<nint, byte*>)Get("ngtcp2_conn_get_remote_transport_params");
        GetDestinationId = (delegate* unmanaged[Cdecl]<nint, NativeConnectionId*>)Get("ngtcp2_conn_get_dcid");
        GetStatistics = (delegate* unmanaged[Cdecl]<nint, int, byte*, void>)Get(abi.GetStatistics);
        GetCloseErrorSoname9 = (delegate* unmanaged[Cdecl]<nint, NativeCloseError*, void>)Get(abi.GetCloseError);
        GetCloseErrorSoname16 = (delegate* unmanaged[Cdecl]<nint, NativeCloseError*>)Get(abi.GetCloseError);

        SetApplicationError = (delegate* unmanaged[Cdecl]<NativeCloseError*, ulong, byte*, nuint, void>)Get(abi.SetApplicationError);
        SetTransportError = (delegate* unmanaged[Cdecl]<NativeCloseError*, ulong, byte*, nuint, void>)Get(abi.SetTransportError);
        SetLibraryError = (delegate* unmanaged[Cdecl]<NativeCloseError*, int, byte*, nuint, void>)Get(abi.SetLibraryError);
        SetTlsAlert = (delegate* unmanaged[Cdecl]<NativeCloseError*, byte, byte*, nuint, void>)Get(abi.SetTlsAlert);

        DecodeVersionCid = (delegate* unmanaged[Cdecl]<NativeVersionCid*, byte*, nuint, nuint, int>)Get("ngtcp2_pkt_decode_version_cid");
        Accept = (delegate* unmanaged[Cdecl]<NativePacketHeader*, byte*, nuint, int>)Get("ngtcp2_accept");
        WriteVersionNegotiation = (delegate* unmanaged[Cdecl]<byte*, nuint, byte, byte*, nuint, byte*, nuint, uint*, nuint, nint>)Get("ngtcp2_pkt_write_version_negotiation");
        WriteStatelessReset = (delegate* unmanaged[Cdecl]<byte*, nuint, byte*, byte*, nuint, nint>)Get("ngtcp2_pkt_write_stateless_reset");
        GenerateRetryToken = (delegate* unmanaged[Cdecl]<byte*, byte*, nuint, uint, byte*, uint, NativeConnectionId*, NativeConnectionId*, ulong, nint>)GetCrypto("ngtcp2_crypto_generate_retry_token");
        VerifyRetryToken = (delegate* unmanaged[Cdecl]<NativeConnectionId*, byte*, nuint, byte*, nuint, uint, byte*, uint, NativeConnectionId*, ulong, ulong, int>)GetCrypto("ngtcp2_crypto_verify_retry_token");
        WriteRetry = (delegate* unmanaged[Cdecl]<byte*, nuint, uint, NativeConnectionId*, NativeConnectionId*, NativeConnectionId*, byte*, nuint, nint>)GetCrypto("ngtcp2_crypto_write_retry");
        WriteInitialClose = (delegate* unmanaged[Cdecl]<byte*, nuint, uint, NativeConnectionId*, NativeConnectionId*, ulong, byte*, nuint, nint>)GetCrypto("ngtcp2_crypto_write_connection_close");

        SettingsDefault = (delegate* unmanaged[Cdecl]<int, byte*, void>)Get("ngtcp2_settings_default_versioned");
        TransportParametersDefault = (delegate* unmanaged[Cdecl]<int, byte*, void>)Get("ngtcp2_transport_params_default_versioned");
        _errorText = (delegate* unmanaged[Cdecl]<int, byte*>)Get("ngtcp2_strerror");
        nint write = Get("ngtcp2_conn_shutdown_stream_write"), read = Get("ngtcp2_conn_shutdown_stream_read");
        _shutdownWrite9 = (delegate* unmanaged[Cdecl]<nint, long, ulong, int>)write;
        _shutdownRead9 = (delegate* unmanaged[Cdecl]<nint, long, ulong, int>)read;
        _shutdownWrite16 = (delegate* unmanaged[Cdecl]<nint, uint, long, ulong, int>)write;
        _shutdownRead16 = (delegate* unmanaged[Cdecl]<nint, uint, long, ulong, int>)read;

        ConfigureServerSession = (delegate* unmanaged[Cdecl]<nint, int>)GetCrypto("ngtcp2_crypto_gnutls_configure_server_session");
        ConfigureClientSession = (delegate* unmanaged[Cdecl]<nint, int>)GetCrypto("ngtcp2_crypto_gnutls_configure_client_session");
        CryptoCallbacks = new NativeCallbacks
        {
            ClientInitial = GetCrypto("ngtcp2_crypto_client_initial_cb"),
            ReceiveClientInitial = GetCrypto("ngtcp2_crypto_recv_client_initial_cb"),
            ReceiveCryptoData = GetCrypto("ngtcp2_crypto_recv_crypto_data_cb"),
            Encrypt = GetCrypto("ngtcp2_crypto_encrypt_cb"),
            Decrypt = GetCrypto("ngtcp2_crypto_decrypt_cb"),
            HeaderProtectionMask = GetCrypto("ngtcp2_crypto_hp_mask_cb"),
            ReceiveRetry = GetCrypto("ngtcp2_crypto_recv_retry_cb"),
            UpdateKey = GetCrypto("ngtcp2_crypto_update_key_cb"),
            DeleteAeadContext = GetCrypto("ngtcp2_crypto_delete_crypto_aead_ctx_cb"),
            DeleteCipherContext = GetCrypto("ngtcp2_crypto_delete_crypto_cipher_ctx_cb"),
            GetPathChallengeData = GetCrypto("ngtcp2_crypto_get_path_challenge_data_cb"),
            VersionNegotiation = GetCrypto("ngtcp2_crypto_version_negotiation_cb"),
        };

        // ngtcp2_info: int age, int version_num, const char* version_str
        byte* info = ((delegate* unmanaged[Cdecl]<int, byte*>)Get("ngtcp2_version"))(0);
        Version = info is null ? "?" : Marshal.PtrToStringUTF8(*(nint*)(info + 8)) ?? "?";
    }

    /// <summary>The library of this machine; null if it cannot be loaded (see <see cref="LoadError"/>).</summary>
    public static LibNgtcp2? Instance => s_loaded.Value.Library;

    /// <summary>Why <see cref="Instance"/> is null, with the packages to install; null when it is not.</summary>
    public static string? LoadError => s_loaded.Value.Error;

    /// <summary>The binary interface of the loaded library.</summary>
    public Ngtcp2Abi Abi { get; }

    /// <summary>The version that the library reports.</summary>
    public string Version { get; }

    /// <summary>The text of an error number.</summary>
    public string ErrorText(int error) => Marshal.PtrToStringUTF8((nint)_errorText(error)) ?? "";

    public int ShutdownStreamWrite(nint connection, long streamId, ulong code) =>
        Abi.ShutdownStreamTakesFlags ? _shutdownWrite16(connection, 0, streamId, code) : _shutdownWrite9(connection, streamId, code);

    public int ShutdownStreamRead(nint connection, long streamId, ulong code) =>
        Abi.ShutdownStreamTakesFlags ? _shutdownRead16(connection, 0, streamId, code) : _shutdownRead9(connection, streamId, code);

    /// <summary>Gets the peer's CONNECTION_CLOSE. The reason phrase belongs to the connection: copy it before the connection is freed.</summary>
    public NativeCloseError GetCloseError(nint connection)
    {
        if (Abi.Soname >= 16)
        {
            return *GetCloseErrorSoname16(connection);
        }

        NativeCloseError error = default;
        GetCloseErrorSoname9(connection, &error);
        return error;
    }

    /// <summary>Tries the binary interfaces, the newest first. Returns the library, or an error message if none is complete.</summary>
    internal static (LibNgtcp2? Library, string? Error) Load()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture is not (Architecture.X64 or Architecture.Arm64))
        {
            return (null, "QUIC is supported only on Linux on x64 and arm64.");
        }

        return Load([Ngtcp2Abi.Soname16, Ngtcp2Abi.Soname9], LibGnuTls.FileName);
    }

    internal static (LibNgtcp2? Library, string? Error) Load(ReadOnlySpan<Ngtcp2Abi> candidates, string gnuTls)
    {
        var error = new StringBuilder("QUIC needs libngtcp2 with its GnuTLS binding, and GnuTLS. Install the packages ");
        for (int i = 0; i < candidates.Length; i++)
        {
            error.Append(i == 0 ? "" : ", or ").Append(candidates[i].Packages);
        }

        error.Append('.');

        foreach (Ngtcp2Abi abi in candidates)
        {
            // Load the library first: the binding then finds it by its soname, wherever it was loaded from.
            if (!NativeLibrary.TryLoad(abi.Library, out nint library))
            {
                continue;
            }

            if (!NativeLibrary.TryLoad(abi.CryptoLibrary, out nint crypto))
            {
                error.Append(' ').Append(abi.Library).Append(" was found, but not ").Append(abi.CryptoLibrary).Append('.');
                continue;
            }
            if (!NativeLibrary.TryLoad(gnuTls, out _))
            {
                error.Append(' ').Append(gnuTls).Append(" (package libgnutls30) was not found.");
                continue;
            }
            try
            {
                return (new LibNgtcp2(abi, library, crypto), null);
            }
            catch (EntryPointNotFoundException missing)
            {
                error.Append(' ').Append(abi.Library).Append(" is not the expected version: ").Append(missing.Message);
            }
        }
        return (null, error.ToString());
    }

    private nint Get(string name) => NativeLibrary.GetExport(_library, name);

    private nint GetCrypto(string name) => NativeLibrary.GetExport(_crypto, name);
}
