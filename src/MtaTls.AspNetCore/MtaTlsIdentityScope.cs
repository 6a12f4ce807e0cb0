namespace MtaTls.AspNetCore;

/// <summary>Which clients of a rule of <c>MtaTls:IdentityLimits</c> share its limits.</summary>
public enum MtaTlsIdentityScope
{
    /// <summary>Clients with the same certificate, by its SHA-256 hash. A renewed certificate has its own limits. The default.</summary>
    Certificate,

    /// <summary>Clients whose certificates have the same issuer and subject. A renewed certificate counts with the former one, and so do certificates of replicas with the same subject.</summary>
    Subject,

    /// <summary>All clients that the rule matches.</summary>
    Rule,
}
