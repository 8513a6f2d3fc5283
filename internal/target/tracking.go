package target

// Tracking are the parameters that tell where a visitor comes from, and by which no handler makes another page: what advertisements, mailings
// and shared links add to the URLs of others. Their names are as those write them. A general one, as ref or source, is not among them, since
// applications use it. Which are those of whom is told in docs/keys.md.
var Tracking = []string{
	"__hsfp", "__hssc", "__hstc", "__s", "_bhlid", "_branch_match_id", "_branch_referrer", "_bta_c", "_bta_tid", "_ga", "_gl", "_hsenc", "_hsmi",
	"_ke", "_kx", "_openstat", "dclid", "dicbo", "dm_i", "ef_id", "epik", "fb_action_ids", "fb_action_types", "fb_comment_id", "fb_ref",
	"fb_source", "fbclid", "gad_campaignid", "gad_source", "gbraid", "gclid", "gclsrc", "guce_referrer", "guce_referrer_sig", "hsCtaTracking", "hsa_*",
	"igsh", "igshid", "irclickid", "li_fat_id", "mc_cid", "mc_eid", "mkt_tok", "ml_subscriber", "ml_subscriber_hash", "msclkid", "mtm_*",
	"oly_anon_id", "oly_enc_id", "pk_campaign", "pk_cid", "pk_content", "pk_keyword", "pk_kwd", "pk_medium", "pk_source", "rb_clickid", "rdt_cid",
	"s_kwcid", "ScCid", "srsltid", "sscid", "tblci", "trk_contact", "trk_module", "trk_msg", "trk_sid", "ttclid", "twclid", "utm_*", "vero_conv", "vero_id",
	"vgo_ee", "wbraid", "wickedid", "yclid", "ymclid", "ysclid",
}
