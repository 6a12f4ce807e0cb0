namespace MtaTls.QuicTunnel;

/// <summary>The kinds of access networks that an Access Report can name (draft-piraux-intarea-quic-tunnel-00, section 7.1.1).</summary>
public enum AccessNetwork
{
    /// <summary>The client has not named the kind.</summary>
    Unknown = 0,

    /// <summary>A 3GPP (cellular) access network.</summary>
    Gpp = 1,

    /// <summary>A non-3GPP access network, such as Wi-Fi or a wired network.</summary>
    NonGpp = 2,
}
