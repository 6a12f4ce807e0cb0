namespace MtaTls.AspNetCore;

/// <summary>Which clients of a rule of <c>MtaTls:IdentityLimits</c> share its limits.</summary>
public enum MtaTlsIdentityScope
{
    /// <summary>Those with the same certificate, by its SHA-256 hash. A renewed certificate is another. The default.</summary>
    Certificate,

    /// <summary>Those whose certificates have the same issuer and subject: a renewed certificate, or one for each replica, counts with the one before.</summary>
    Subject,

    /// <summary>All clients that the rule is for.</summary>
    Rule,
}
