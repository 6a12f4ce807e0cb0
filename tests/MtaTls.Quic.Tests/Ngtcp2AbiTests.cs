using System.Reflection;
using MtaTls.Quic;
using MtaTls.Quic.Ngtcp2;

namespace MtaTls.Quic.Tests;

/// <summary>Compares the tables of both binary interfaces with the library's headers and with the installed library.</summary>
public unsafe class Ngtcp2AbiTests
{
    /// <summary>Offset and name of every field in the table, from the debug information of 0.12.1 and of 1.11.0 on x86-64.</summary>
    [Theory]
    [InlineData(9, "Settings", "184 Size, 32 QlogWrite, 0 QlogOriginalId, 40 CongestionControl, 48 InitialTimestamp, 56 InitialRtt, 72 MaxTxUdpPayloadSize, 80 Token, 88 TokenLength, -1 TokenType, 128 NoPayloadSizeShaping, 136 HandshakeTimeout, 180 NoPathMtuDiscovery, 1 Version")]
    [InlineData(16, "Settings", "184 Size, 0 QlogWrite, -1 QlogOriginalId, 8 CongestionControl, 16 InitialTimestamp, 24 InitialRtt, 40 MaxTxUdpPayloadSize, 48 Token, 56 TokenLength, 64 TokenType, 104 NoPayloadSizeShaping, 112 HandshakeTimeout, 156 NoPathMtuDiscovery, 2 Version")]
    [InlineData(9, "Parameters", "344 Size, 0 PreferredAddress, 289 DisableActiveMigration, 96 OriginalDcid, 160 RetryScid, 208 InitialMaxStreamDataUni, 216 InitialMaxData, 232 InitialMaxStreamsUni, 240 MaxIdleTimeout, 248 MaxUdpPayloadSize, 256 ActiveConnectionIdLimit, 280 MaxDatagramFrameSize, 288 StatelessResetTokenPresent, 290 RetryScidPresent, 291 PreferredAddressPresent, -1 OriginalDcidPresent, 292 StatelessResetToken")]
    [InlineData(16, "Parameters", "344 Size, 0 PreferredAddress, 289 DisableActiveMigration, 96 OriginalDcid, 160 RetryScid, 208 InitialMaxStreamDataUni, 216 InitialMaxData, 232 InitialMaxStreamsUni, 240 MaxIdleTimeout, 248 MaxUdpPayloadSize, 256 ActiveConnectionIdLimit, 280 MaxDatagramFrameSize, 288 StatelessResetTokenPresent, 292 RetryScidPresent, 293 PreferredAddressPresent, 290 OriginalDcidPresent, 294 StatelessResetToken")]
    [InlineData(9, "Statistics", "176 Size, 8 MinRtt, 16 SmoothedRtt, 112 CongestionWindow, 136 BytesInFlight")]
    [InlineData(16, "Statistics", "56 Size, 8 MinRtt, 16 SmoothedRtt, 32 CongestionWindow, 48 BytesInFlight")]
    [InlineData(9, "Error", "-201 InvalidArgument, -206 InvalidState, -208 StreamIdBlocked, -210 StreamDataBlocked, -215 Crypto, -221 StreamShutWrite, -222 StreamNotFound, -229 ReceivedVersionNegotiation, -230 Closing, -231 Draining, -237 ConnectionIdBlocked, -241 Retry, -242 DropConnection, -246 HandshakeTimeout, -248 IdleClose, -502 CallbackFailure, -240 WriteMore")]
    [InlineData(16, "Error", "-201 InvalidArgument, -204 InvalidState, -206 StreamIdBlocked, -208 StreamDataBlocked, -213 Crypto, -219 StreamShutWrite, -220 StreamNotFound, -222 ReceivedVersionNegotiation, -223 Closing, -224 Draining, -227 ConnectionIdBlocked, -231 Retry, -232 DropConnection, -236 HandshakeTimeout, -238 IdleClose, -502 CallbackFailure, -230 WriteMore")]
    public void The_tables_match_the_librarys_layouts(int soname, string group, string facts)
    {
        Ngtcp2Abi abi = soname == 9 ? Ngtcp2Abi.Soname9 : Ngtcp2Abi.Soname16;
        var expected = facts.Split(", ").Select(f => f.Split(' ')).ToDictionary(f => group + f[1], f => int.Parse(f[0]));

        var table = typeof(Ngtcp2Abi).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(p => p.PropertyType == typeof(int) && p.Name.StartsWith(group, StringComparison.Ordinal))
            .ToDictionary(p => p.Name, p => (int)p.GetValue(abi)!);

        Assert.Equal(expected.OrderBy(e => e.Key), table.OrderBy(e => e.Key));
    }

    [Fact]
    public void The_common_structures_have_the_librarys_sizes()
    {
        Assert.Equal(32, sizeof(NativeConnectionId));
        Assert.Equal(16, sizeof(NativeVector));
        Assert.Equal(16, sizeof(NativeAddress));
        Assert.Equal(40, sizeof(NativePath));
        Assert.Equal(40, sizeof(NativeVersionCid));
        Assert.Equal(112, sizeof(NativePacketHeader));
        Assert.Equal(40, sizeof(NativeCloseError));
        Assert.Equal(16, sizeof(NativeConnectionReference));
        Assert.Equal(320, sizeof(NativeCallbacks));
        Assert.Equal(96, sizeof(NativePreferredAddress));
        NativePreferredAddress preferred;
        Assert.Equal(32, preferred.Ipv4 - (byte*)&preferred);
        Assert.Equal(48, preferred.Ipv6 - (byte*)&preferred);
        Assert.Equal(76, &preferred.Ipv4Present - (byte*)&preferred);
        Assert.Equal(77, &preferred.Ipv6Present - (byte*)&preferred);
        Assert.Equal(78, preferred.StatelessResetToken - (byte*)&preferred);
        NativePacketHeader header;
        Assert.Equal(72, (byte*)&header.Token - (byte*)&header);
        Assert.Equal(104, (byte*)&header.Version - (byte*)&header);
        NativeCallbacks callbacks;
        Assert.Equal(136, (byte*)&callbacks.GetNewConnectionId - (byte*)&callbacks);
        Assert.Equal(168, (byte*)&callbacks.SelectPreferredAddress - (byte*)&callbacks);
        Assert.Equal(176, (byte*)&callbacks.StreamReset - (byte*)&callbacks);
        Assert.Equal(216, (byte*)&callbacks.HandshakeConfirmed - (byte*)&callbacks);
        Assert.Equal(248, (byte*)&callbacks.ReceiveDatagram - (byte*)&callbacks);
        Assert.Equal(288, (byte*)&callbacks.VersionNegotiation - (byte*)&callbacks);
    }

    /// <summary>The installed library, whichever version it is: its error names and default values are where the table says.</summary>
    [Fact]
    public void The_installed_library_matches_its_table()
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        LibNgtcp2 library = LibNgtcp2.Instance!;
        Ngtcp2Abi abi = library.Abi;

        Assert.Equal("ERR_DRAINING", library.ErrorText(abi.ErrorDraining));
        Assert.Equal("ERR_CLOSING", library.ErrorText(abi.ErrorClosing));
        Assert.Equal("ERR_IDLE_CLOSE", library.ErrorText(abi.ErrorIdleClose));
        Assert.Equal("ERR_HANDSHAKE_TIMEOUT", library.ErrorText(abi.ErrorHandshakeTimeout));
        Assert.Equal("ERR_CRYPTO", library.ErrorText(abi.ErrorCrypto));
        Assert.Equal("ERR_RETRY", library.ErrorText(abi.ErrorRetry));
        Assert.Equal("ERR_DROP_CONN", library.ErrorText(abi.ErrorDropConnection));
        Assert.Equal("ERR_STREAM_DATA_BLOCKED", library.ErrorText(abi.ErrorStreamDataBlocked));
        Assert.Equal("ERR_STREAM_NOT_FOUND", library.ErrorText(abi.ErrorStreamNotFound));
        Assert.Equal("ERR_STREAM_SHUT_WR", library.ErrorText(abi.ErrorStreamShutWrite));
        Assert.Equal("ERR_STREAM_ID_BLOCKED", library.ErrorText(abi.ErrorStreamIdBlocked));
        Assert.Equal("ERR_CONN_ID_BLOCKED", library.ErrorText(abi.ErrorConnectionIdBlocked));
        Assert.Equal("ERR_RECV_VERSION_NEGOTIATION", library.ErrorText(abi.ErrorReceivedVersionNegotiation));
        Assert.Equal("ERR_CALLBACK_FAILURE", library.ErrorText(abi.ErrorCallbackFailure));

        byte* settings = stackalloc byte[1024];
        new Span<byte>(settings, 1024).Fill(0xee);
        library.SettingsDefault(abi.SettingsVersion, settings);
        Assert.Equal(333_000_000UL, *(ulong*)(settings + abi.SettingsInitialRtt));
        Assert.InRange(*(int*)(settings + abi.SettingsCongestionControl), 0, 2);
        Assert.InRange(*(nuint*)(settings + abi.SettingsMaxTxUdpPayloadSize), (nuint)1200, (nuint)1500);
        Assert.Equal((nuint)0, *(nuint*)(settings + abi.SettingsTokenLength));
        Assert.Equal(0, settings[abi.SettingsNoPathMtuDiscovery]);
        Assert.Equal(0xee, settings[abi.SettingsSize]);

        byte* parameters = stackalloc byte[1024];
        new Span<byte>(parameters, 1024).Fill(0xee);
        library.TransportParametersDefault(1, parameters);
        Assert.Equal(65527UL, *(ulong*)(parameters + abi.ParametersMaxUdpPayloadSize));
        Assert.Equal(2UL, *(ulong*)(parameters + abi.ParametersActiveConnectionIdLimit));
        Assert.Equal(0xee, parameters[abi.ParametersSize]);
    }

    [Fact]
    public void The_error_for_a_missing_library_names_the_packages_to_install()
    {
        Ngtcp2Abi missing = Ngtcp2Abi.Soname9 with { Soname = 909 };

        (LibNgtcp2? library, string? error) = LibNgtcp2.Load([missing, Ngtcp2Abi.Soname16 with { Soname = 1616 }], LibGnuTls.FileName);

        Assert.Null(library);
        Assert.Contains("libngtcp2-9 and libngtcp2-crypto-gnutls2 (Debian 12)", error);
        Assert.Contains("libngtcp2-16 and libngtcp2-crypto-gnutls8 (Debian 13)", error);
    }

    [Fact]
    public void The_error_names_a_missing_binding_or_a_missing_GnuTLS()
    {
        Assert.SkipUnless(QuicEngine.IsSupported, QuicEngine.UnsupportedReason ?? "");
        Ngtcp2Abi abi = LibNgtcp2.Instance!.Abi;

        Assert.Contains("was found, but not libngtcp2_crypto_none.so.1.", LibNgtcp2.Load([abi with { CryptoLibrary = "libngtcp2_crypto_none.so.1" }], LibGnuTls.FileName).Error);
        Assert.Contains("libgnutls.so.99 (package libgnutls30) was not found.", LibNgtcp2.Load([abi], "libgnutls.so.99").Error);
        Assert.Contains("is not the expected version: ", LibNgtcp2.Load([abi with { GetCloseError = "ngtcp2_no_such_function" }], LibGnuTls.FileName).Error);
    }
}
