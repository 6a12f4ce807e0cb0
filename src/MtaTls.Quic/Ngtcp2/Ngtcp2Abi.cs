namespace MtaTls.Quic.Ngtcp2;

/// <summary>
/// The differences between the supported binary interfaces of libngtcp2: file names, function names, error numbers, and offsets in the structures that a caller
/// fills or reads. Structures that are the same in both are in <see cref="Ngtcp2Structures"/>.
/// </summary>
internal sealed record Ngtcp2Abi
{
    /// <summary>The number in the library's file name.</summary>
    public required int Soname { get; init; }

    /// <summary>libngtcp2's file name.</summary>
    public string Library => $"libngtcp2.so.{Soname}";

    /// <summary>The file name of its GnuTLS binding.</summary>
    public required string CryptoLibrary { get; init; }

    /// <summary>The Debian packages to install, and the release that has them.</summary>
    public required string Packages { get; init; }

    /// <summary>The version of ngtcp2_settings that is passed to the *_versioned functions.</summary>
    public required int SettingsVersion { get; init; }

    // Functions that were renamed.
    public required string GetCloseError { get; init; }
    public required string SetApplicationError { get; init; }
    public required string SetTransportError { get; init; }
    public required string SetLibraryError { get; init; }
    public required string SetTlsAlert { get; init; }
    public required string GetStatistics { get; init; }

    /// <summary>Whether the shutdown_stream functions take a flags argument after the connection.</summary>
    public required bool ShutdownStreamTakesFlags { get; init; }

    /// <summary>Whether the path_validation callback also gets the old path.</summary>
    public required bool PathValidationTellsOldPath { get; init; }

    /// <summary>Whether packets with only DATAGRAM frames do not arm the probe timeout, so that each needs another frame that does.</summary>
    public required bool DatagramsArmNoProbe { get; init; }

    // Errors.
    public required int ErrorInvalidArgument { get; init; }
    public required int ErrorInvalidState { get; init; }
    public required int ErrorStreamIdBlocked { get; init; }
    public required int ErrorWriteMore { get; init; }
    public required int ErrorStreamDataBlocked { get; init; }
    public required int ErrorCrypto { get; init; }
    public required int ErrorStreamShutWrite { get; init; }
    public required int ErrorStreamNotFound { get; init; }
    public required int ErrorReceivedVersionNegotiation { get; init; }
    public required int ErrorClosing { get; init; }
    public required int ErrorDraining { get; init; }
    public required int ErrorConnectionIdBlocked { get; init; }
    public required int ErrorRetry { get; init; }
    public required int ErrorDropConnection { get; init; }
    public required int ErrorHandshakeTimeout { get; init; }
    public required int ErrorIdleClose { get; init; }
    public int ErrorCallbackFailure { get; init; } = -502;

    // ngtcp2_settings
    public required int SettingsSize { get; init; }
    public required int SettingsQlogWrite { get; init; }

    /// <summary>Offset of the original destination id for qlog, or -1 if the library knows that id itself.</summary>
    public required int SettingsQlogOriginalId { get; init; }
    public required int SettingsCongestionControl { get; init; }
    public required int SettingsInitialTimestamp { get; init; }
    public required int SettingsInitialRtt { get; init; }
    public required int SettingsMaxTxUdpPayloadSize { get; init; }
    public required int SettingsToken { get; init; }
    public required int SettingsTokenLength { get; init; }

    /// <summary>Offset of token_type, or -1 if there is none.</summary>
    public required int SettingsTokenType { get; init; }
    public required int SettingsNoPayloadSizeShaping { get; init; }
    public required int SettingsHandshakeTimeout { get; init; }
    public required int SettingsNoPathMtuDiscovery { get; init; }

    // ngtcp2_transport_params
    public required int ParametersSize { get; init; }
    public int ParametersPreferredAddress { get; init; }
    public int ParametersOriginalDcid { get; init; } = 96;
    public int ParametersRetryScid { get; init; } = 160;
    public int ParametersInitialMaxStreamDataUni { get; init; } = 208;
    public int ParametersInitialMaxData { get; init; } = 216;
    public int ParametersInitialMaxStreamsUni { get; init; } = 232;
    public int ParametersMaxIdleTimeout { get; init; } = 240;
    public int ParametersMaxUdpPayloadSize { get; init; } = 248;
    public int ParametersActiveConnectionIdLimit { get; init; } = 256;
    public int ParametersMaxDatagramFrameSize { get; init; } = 280;
    public int ParametersStatelessResetTokenPresent { get; init; } = 288;
    public int ParametersDisableActiveMigration { get; init; } = 289;
    public required int ParametersRetryScidPresent { get; init; }
    public required int ParametersPreferredAddressPresent { get; init; }

    /// <summary>Offset of original_dcid_present, or -1 if there is none.</summary>
    public required int ParametersOriginalDcidPresent { get; init; }
    public required int ParametersStatelessResetToken { get; init; }

    // ngtcp2_conn_stat / ngtcp2_conn_info
    public required int StatisticsSize { get; init; }
    public int StatisticsMinRtt { get; init; } = 8;
    public int StatisticsSmoothedRtt { get; init; } = 16;
    public required int StatisticsCongestionWindow { get; init; }
    public required int StatisticsBytesInFlight { get; init; }

    /// <summary>libngtcp2 0.12, Debian 12.</summary>
    public static readonly Ngtcp2Abi Soname9 = new()
    {
        Soname = 9,
        CryptoLibrary = "libngtcp2_crypto_gnutls.so.2",
        Packages = "libngtcp2-9 and libngtcp2-crypto-gnutls2 (Debian 12)",
        SettingsVersion = 1,
        GetCloseError = "ngtcp2_conn_get_connection_close_error",
        SetApplicationError = "ngtcp2_connection_close_error_set_application_error",
        SetTransportError = "ngtcp2_connection_close_error_set_transport_error",
        SetLibraryError = "ngtcp2_connection_close_error_set_transport_error_liberr",
        SetTlsAlert = "ngtcp2_connection_close_error_set_transport_error_tls_alert",
        GetStatistics = "ngtcp2_conn_get_conn_stat_versioned",
        ShutdownStreamTakesFlags = false,
        PathValidationTellsOldPath = false,
        DatagramsArmNoProbe = true,

        ErrorInvalidArgument = -201,
        ErrorInvalidState = -206,
        ErrorStreamIdBlocked = -208,
        ErrorWriteMore = -240,
        ErrorStreamDataBlocked = -210,
        ErrorCrypto = -215,
        ErrorStreamShutWrite = -221,
        ErrorStreamNotFound = -222,
        ErrorReceivedVersionNegotiation = -229,
        ErrorClosing = -230,
        ErrorDraining = -231,
        ErrorConnectionIdBlocked = -237,
        ErrorRetry = -241,
        ErrorDropConnection = -242,
        ErrorHandshakeTimeout = -246,
        ErrorIdleClose = -248,

        SettingsSize = 184,
        SettingsQlogWrite = 32,
        SettingsQlogOriginalId = 0,
        SettingsCongestionControl = 40,
        SettingsInitialTimestamp = 48,
        SettingsInitialRtt = 56,
        SettingsMaxTxUdpPayloadSize = 72,
        SettingsToken = 80,
        SettingsTokenLength = 88,
        SettingsTokenType = -1,
        SettingsNoPayloadSizeShaping = 128,
        SettingsHandshakeTimeout = 136,
        SettingsNoPathMtuDiscovery = 180,

        ParametersSize = 344,
        ParametersRetryScidPresent = 290,
        ParametersPreferredAddressPresent = 291,
        ParametersOriginalDcidPresent = -1,
        ParametersStatelessResetToken = 292,

        StatisticsSize = 176,
        StatisticsCongestionWindow = 112,
        StatisticsBytesInFlight = 136,
    };

    /// <summary>libngtcp2 1.11, Debian 13.</summary>
    public static readonly Ngtcp2Abi Soname16 = new()
    {
        Soname = 16,
        CryptoLibrary = "libngtcp2_crypto_gnutls.so.8",
        Packages = "libngtcp2-16 and libngtcp2-crypto-gnutls8 (Debian 13)",
        SettingsVersion = 2,
        GetCloseError = "ngtcp2_conn_get_ccerr",
        SetApplicationError = "ngtcp2_ccerr_set_application_error",
        SetTransportError = "ngtcp2_ccerr_set_transport_error",
        SetLibraryError = "ngtcp2_ccerr_set_liberr",
        SetTlsAlert = "ngtcp2_ccerr_set_tls_alert",
        GetStatistics = "ngtcp2_conn_get_conn_info_versioned",
        ShutdownStreamTakesFlags = true,
        PathValidationTellsOldPath = true,
        DatagramsArmNoProbe = false,

        ErrorInvalidArgument = -201,
        ErrorInvalidState = -204,
        ErrorStreamIdBlocked = -206,
        ErrorWriteMore = -230,
        ErrorStreamDataBlocked = -208,
        ErrorCrypto = -213,
        ErrorStreamShutWrite = -219,
        ErrorStreamNotFound = -220,
        ErrorReceivedVersionNegotiation = -222,
        ErrorClosing = -223,
        ErrorDraining = -224,
        ErrorConnectionIdBlocked = -227,
        ErrorRetry = -231,
        ErrorDropConnection = -232,
        ErrorHandshakeTimeout = -236,
        ErrorIdleClose = -238,

        SettingsSize = 184,
        SettingsQlogWrite = 0,
        SettingsQlogOriginalId = -1,
        SettingsCongestionControl = 8,
        SettingsInitialTimestamp = 16,
        SettingsInitialRtt = 24,
        SettingsMaxTxUdpPayloadSize = 40,
        SettingsToken = 48,
        SettingsTokenLength = 56,
        SettingsTokenType = 64,
        SettingsNoPayloadSizeShaping = 104,
        SettingsHandshakeTimeout = 112,
        SettingsNoPathMtuDiscovery = 156,

        ParametersSize = 344,
        ParametersRetryScidPresent = 292,
        ParametersPreferredAddressPresent = 293,
        ParametersOriginalDcidPresent = 290,
        ParametersStatelessResetToken = 294,

        StatisticsSize = 56,
        StatisticsCongestionWindow = 32,
        StatisticsBytesInFlight = 48,
    };
}
