namespace MtaTls.QuicTunnel.Control;

/// <summary>The value of an Access Report TLV: AccessId(4 bits) Reserved(4 bits) Signal(8).</summary>
internal readonly record struct AccessReport(AccessNetwork Access, AccessSignal Signal)
{
    public const int ValueLength = 2;

    public byte[] Encode() => Tlv.Encode(TlvType.AccessReport, [(byte)((int)Access << 4), (byte)Signal]);

    /// <summary>Reads a value of <see cref="ValueLength"/> bytes. False if the access network or the signal is unknown; the report is then ignored.</summary>
    public static bool TryRead(ReadOnlySpan<byte> value, out AccessReport report)
    {
        report = new AccessReport((AccessNetwork)(value[0] >> 4), (AccessSignal)value[1]);
        return report.Access is AccessNetwork.Gpp or AccessNetwork.NonGpp
            && report.Signal is AccessSignal.Available or AccessSignal.Unavailable;
    }
}
