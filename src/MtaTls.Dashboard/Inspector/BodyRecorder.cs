using System.Buffers;
using System.Text;

namespace MtaTls.Dashboard.Inspector;

/// <summary>Keeps the first bytes of a body and counts the others.</summary>
internal sealed class BodyRecorder(int most)
{
    private const int MaxHexadecimal = 256;

    private static readonly UTF8Encoding s_strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _kept = new();

    /// <summary>The number of all bytes so far.</summary>
    public long Length { get; private set; }

    public bool IsCut => Length > _kept.WrittenCount;

    /// <summary>Called once: with the first bytes, or earlier when the response's headers are sent.</summary>
    public Action? Begun { get; set; }

    public void Begin()
    {
        Action? begun = Begun;
        Begun = null;
        begun?.Invoke();
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Begin();
        Length += bytes.Length;
        int room = most - _kept.WrittenCount;
        if (room > 0)
        {
            _kept.Write(bytes[..Math.Min(room, bytes.Length)]);
        }
    }

    /// <summary>Counts bytes of a file that is sent without passing through this recorder.</summary>
    public void Skip(long count) => Length += count;

    public byte[] ToArray() => _kept.WrittenSpan.ToArray();

    public RecordedBody Describe()
    {
        byte[] bytes = ToArray();
        // The limit may have cut a character, so up to three bytes at the end are left out.
        for (int cut = 0; cut <= (IsCut ? 3 : 0) && cut <= bytes.Length; cut++)
        {
            try
            {
                string text = s_strict.GetString(bytes, 0, bytes.Length - cut);
                if (!text.Contains('\0', StringComparison.Ordinal))
                {
                    return new RecordedBody(Length, IsCut, text, null);
                }

                break;
            }
            catch (DecoderFallbackException)
            {
                // Try again with one byte less.
            }
        }

        return new RecordedBody(Length, IsCut, null, Convert.ToHexStringLower(bytes.AsSpan(0, Math.Min(bytes.Length, MaxHexadecimal))));
    }
}
