using System.Security.Cryptography.X509Certificates;

namespace MtaTls.AspNetCore.Connections;

/// <summary>Sorts the certificates that a client sent with its own into a chain: each certificate's issuer is the subject of the next. Certificates outside the chain are left out.</summary>
internal static class SentChain
{
    public static IReadOnlyList<X509Certificate2> Of(X509Certificate2? certificate, X509Certificate2Collection others)
    {
        List<X509Certificate2> chain = [];
        for (X509Certificate2? below = certificate; below is not null && chain.Count < others.Count; below = chain[^1])
        {
            ReadOnlySpan<byte> issuer = below.IssuerName.RawData;
            X509Certificate2? above = null;
            foreach (X509Certificate2 other in others)
            {
                if (!chain.Contains(other) && issuer.SequenceEqual(other.SubjectName.RawData))
                {
                    above = other;
                    break;
                }
            }

            if (above is null)
            {
                break;
            }

            chain.Add(above);
        }

        return chain;
    }
}
