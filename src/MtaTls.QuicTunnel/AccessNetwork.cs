namespace MtaTls.QuicTunnel;

/// <summary>The access networks that an Access Report can name (draft-piraux-intarea-quic-tunnel-00, section 7.1.1).</summary>
public enum AccessNetwork
{
    /// <summary>Not said.</summary>
    Unknown = 0,

    /// <summary>A 3GPP (cellular) access network.</summary>
    Gpp = 1,

    /// <summary>An access network that is not of 3GPP, such as Wi-Fi or a wired one.</summary>
    NonGpp = 2,
}
