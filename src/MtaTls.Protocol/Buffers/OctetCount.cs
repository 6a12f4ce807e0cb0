namespace MtaTls.Protocol;

/// <summary>A number of octets that many threads add to and take from.</summary>
internal sealed class OctetCount
{
    private long _value;

    public long Value => Volatile.Read(ref _value);

    public void Add(long octets) => Interlocked.Add(ref _value, octets);
}
