"""The draft of the assessment in Indonesian."""

from edge_agent.notice.words.assessment import AssessmentWords

INDONESIAN = AssessmentWords(
    thousands=".",
    title="Penilaian dampak pelindungan data: {name}",
    open="**[harap diisi]**",
    draft="**Rancangan.** `edge-agent notice` (versi {version}) membuatnya pada {date} dari pengaturan dengan sidik "
    "`{fingerprint}`. Isinya mengikuti pengaturan. {open} menandai apa yang hanya dapat dijawab oleh pengendali data. "
    "Ini bukan nasihat hukum, dan penilaian belum selesai sebelum ada orang yang menilainya.",
    sample="**Contoh.** Kamera pengaturan ini adalah `{source}`: simulasi atau rekaman, bukan kamera langsung.",
    headings=(
        "Tujuan dan keperluan",
        "Pengendali, prosesor, petugas",
        "Dasar hukum",
        "Orang yang terlihat",
        "Jenis data",
        "Penerima",
        "Lama penyimpanan",
        "Pengaturan yang menentukan",
        "Risiko dan tindakan",
        "Informasi, hak, dan penghapusan",
        "Konsultasi dan keputusan",
    ),
    purpose="Tujuan: {purpose}",
    purpose_questions=(
        "Dapatkah tujuan ini dicapai tanpa kamera, atau dengan kuesioner?",
        "Dapatkah tujuan ini dicapai dengan selang lebih lama, kelompok lebih besar, atau lebih sedikit pelajaran?",
    ),
    parties_head=("peran", "siapa"),
    roles=(
        "pengendali data",
        "yang membuat pernyataan",
        "prosesor data, beserta kontraknya",
        "petugas pelindungan data",
        "pertanyaan dan keberatan",
        "otoritas pengawas",
    ),
    no_declaration="Tidak ada pernyataan dalam pengaturan. Tanpa pernyataan, kamera langsung tidak mulai.",
    declared="Dinyatakan: dasar `{basis}`, di `{jurisdiction}`, dalam lingkungan `{setting}`.",
    basis_questions=("Undang-undang dan pasal:", "Siapa yang memastikan dasar itu berlaku, dan kapan:"),
    recorded="Perangkat mencatat pernyataan ini pada {date}. Statusnya menerbitkan hash `{hash}`.",
    prohibition="Pasal 5(1)(f) Peraturan (UE) 2024/1689 (Undang-Undang AI) melarang sistem AI yang menyimpulkan emosi "
    "di tempat kerja dan lembaga pendidikan, kecuali karena alasan medis atau keselamatan.",
    why_allowed="Mengapa larangan itu tidak berlaku untuk penggunaan ini:",
    duty_to_inform="Pasal 50(3) peraturan yang sama meminta pihak yang memakai sistem pengenalan emosi memberi tahu "
    "orang yang terpapar. Pasal 50(5) menyebut kapan: dengan jelas, dan paling lambat saat paparan pertama. Menurut "
    "Pasal 113, keduanya berlaku mulai 2 Agustus 2026. Papan yang dibuat bersama rancangan ini adalah untuk itu. Papan "
    "dipasang di tempat orang melihatnya sebelum mereka terlihat oleh kamera.",
    other_laws="Di luar Wilayah Ekonomi Eropa, hukum lain menentukan apa yang wajib diberitahukan dan dilarang.",
    which_laws="Hukum yang sudah diperiksa:",
    people_questions=(
        "Siapa yang terlihat, berapa orang, usia berapa:",
        "Siapa yang tidak dapat menghindari ruang ini (tamu, petugas kebersihan, lorong di balik pintu terbuka):",
    ),
    only_zones="Hanya bagian ini yang dianalisis: {names}.",
    left_out="Tidak dianalisis: {names}.",
    unnamed_zone="bagian tanpa nama",
    whole_view="Seluruh gambar kamera dianalisis: pengaturan tidak menyebut bagian mana pun.",
    categories_head=("data", "isi"),
    picture=("gambar", "di memori perangkat, sekitar satu detik; tidak pernah disimpan, tidak pernah dikirim"),
    figures=("angka kelompok", "setiap {window}: jumlah wajah, porsi ekspresi"),
    faces=(
        "peristiwa setiap wajah",
        "id acak yang tidak berarti setelah sesi, ekspresi, probabilitas, waktu",
    ),
    place=", letak dalam gambar",
    state=("keadaan perangkat", "daring, versi, kamera, suhu, masalah; tidak ada orang"),
    declaration=("pernyataan", "dasar dan hash melalui MQTT; nama tetap di perangkat"),
    only_group="Tidak ada apa pun tentang satu wajah yang keluar dari perangkat.",
    group_of_one="Angka juga dikirim jika hanya satu orang yang terlihat: `min_group` adalah 1.",
    small_groups="Dengan kurang dari {min_group} orang yang terlihat, tidak ada angka yang dibuat.",
    a_guess="Ekspresi adalah apa yang tampak pada wajah menurut tebakan program. Kira-kira satu dari tiga tebakan "
    "salah.",
    specially_protected="Apakah hukum di sini menganggapnya data biometrik atau data yang dilindungi khusus:",
    recipients_head=("penerima", "apa"),
    broker=("broker", "{host}, port {port}, {way}. {answer}"),
    on_the_device="di perangkat",
    encrypted="terenkripsi (TLS)",
    not_encrypted="**tidak terenkripsi**",
    people="orang",
    page=("halaman sekolah", "guru hanya melihat ruangnya sendiri; setiap kunjungan dicatat"),
    home_assistant="mengambil angka dari broker; lama penyimpanannya: {open}",
    metrics="keadaan perangkat di port {port}, untuk {who}",
    collector="pengumpul di perangkat",
    everybody="**siapa pun di jaringan**",
    other_programs="program lain di broker",
    retention_head=("tempat", "apa", "berapa lama"),
    device="perangkat",
    kept_picture=("gambar", "sekitar satu detik, di memori"),
    kept_events="peristiwa dan angka, di {where}",
    in_memory="memori, sampai perangkat dimatikan",
    after_delivery="{hours} setelah terkirim",
    until_delivery="sampai terkirim",
    at_most="; jika broker tidak ada, paling banyak {rows} peristiwa",
    or_megabytes=" atau {megabytes} MB",
    kept_declarations=("`declarations.jsonl`, keadaan tertutup", "tanpa batas"),
    kept_audit=("`audit.log`: perintah dan penutupan", "empat megabita terbaru"),
    kept_state=("keadaan perangkat, tanda aktif terakhir, keadaan yang diminta", "sampai dihapus"),
    kept_for_others=(
        "peristiwa untuk program yang sedang tidak terhubung",
        "menurut berkas broker: 14 hari dalam berkas dari proyek ini",
    ),
    page_name="halaman",
    kept_page="angka, kunjungan ke ruang, ekspor",
    backups=("cadangan", "dari halaman, broker, dan pengaturan"),
    check_says="`edge-agent check` menyebut mana yang berubah sejak rancangan ini dibuat.",
    settings_head=("pengaturan", "nilai"),
    risks_head=("risiko", "tindakan", "yang tersisa"),
    risk_faces=(
        "**Wajah satu per satu diterbitkan.** Siapa yang tahu tempat duduk dapat membedakan anak-anak.",
        '`[privacy] level = "summary"` hanya menerbitkan kelompok.',
    ),
    risk_boxes=(
        "**Letak wajah diterbitkan**: tempat duduk menunjukkan seorang anak.",
        "`[privacy] boxes = false`",
    ),
    risk_small=(
        "**Kelompok kecil**: angka dikirim mulai dari {min_group} orang.",
        "`[privacy] min_group = {better}` atau lebih",
    ),
    risk_member=(
        "**Satu anggota kelompok**: dua angka, dengan dan tanpa satu anak, mengungkap sesuatu tentang anak itu.",
        "kendali pengungkapan (`[privacy] blur = {blur}`): angka dibuat kasar, untuk jangka {hold} atau lebih, dan "
        "tidak ditampilkan di bawah ambang rahasia",
    ),
    risk_exact=(
        "**Angka tepat**: dua di antaranya, dengan dan tanpa satu anak, mengungkap sesuatu tentang anak itu.",
        "`[privacy] blur = {blur}`, nilai bawaan",
    ),
    risk_short=(
        "**Selang pendek**: dua angka yang berdekatan, dengan dan tanpa satu anak, mengungkap sesuatu tentangnya.",
        '`[summary] window_s` lebih lama, `min_group` lebih besar, atau `[privacy] level = "summary"` dengan `blur`',
    ),
    risk_plain=(
        "**Tidak ada yang terenkripsi** dalam perjalanan ke broker: siapa pun di jaringan dapat membacanya.",
        "daftarkan perangkat: `edge-agent enrol` mengatur `[mqtt.tls]`",
    ),
    risk_led=("**Tidak ada yang melihat apakah kamera terbuka.**", "lampu di sampingnya: `[led] name`"),
    risk_metrics=(
        "**Keadaan perangkat terbuka bagi jaringan**, tanpa kata sandi.",
        '`[metrics] address = "127.0.0.1"`',
    ),
    risk_home_assistant=(
        "**Home Assistant menyimpan riwayat sendiri**, yang tidak dibatasi pengaturan di sini.",
        "batasi perekamnya, atau `[home_assistant] enabled = false`",
    ),
    risks_of_all=(
        (
            "**Hasil salah dianggap fakta**: kira-kira satu dari tiga salah, dan tidak sama sering untuk semua orang.",
            "tidak ada yang diberi nilai, dihukum, atau didiagnosis berdasarkan hasil ini; `uncertain` ditampilkan; "
            "yang melihatnya diberi pelatihan",
        ),
        (
            "**Tekanan** pada orang yang tahu bahwa mereka diamati.",
            "menutup kamera di luar tujuan; papan; keberatan",
        ),
        (
            "**Perangkat dicuri.**",
            "tidak ada gambar di dalamnya; yang disimpannya ada di bagian 7; `edge-agent fleet revoke`",
        ),
        (
            "**Orang asing di broker.**",
            "satu akun untuk setiap perangkat dan program, aturan akses, sertifikat",
        ),
        (
            "**Rekan kerja yang ingin tahu.**",
            "peran: guru hanya melihat ruangnya sendiri; halaman mencatat siapa yang melihat",
        ),
        (
            "**Penggunaan kemudian untuk tujuan lain.**",
            "penilaian ini; catatan pernyataan; log halaman",
        ),
    ),
    signs_say="Papan memberi tahu apa yang dilakukan, oleh siapa, dan ke mana menyatakan keberatan.",
    what_happens="Apa yang terjadi di ruang ini jika ada yang berkeberatan:",
    erased_group="Angka kelompok tidak dapat dilacak ke seseorang, jadi dihapus menurut ruang dan waktu, bukan nama.",
    erased_faces="Peristiwa memakai id acak. Hanya yang tahu siapa duduk di mana dan kapan yang dapat menemukan milik "
    "seseorang, jadi dihapus menurut ruang dan waktu.",
    erasure="Penghapusan, tempat demi tempat:",
    steps=(
        "1. Tutup kamera dulu, di halaman atau di broker. Kamera tetap tertutup sampai ada yang membukanya.",
        "dengan akun Anda",
        "2. Peristiwa dan angka di perangkat.",
        "3. Halaman, di mesinnya. Jika bukan layanan, perintahnya: edge-agent dashboard erase.",
        "   Halaman petugas data punya tombol untuk hal yang sama. --from dan --to menyebut waktu.",
        "   Ekspor adalah berkas milik yang membuatnya; log halaman menyebut siapa.",
        "4. Yang disimpan broker tentang perangkat; ini juga mengakhiri aksesnya.",
        "5. Cadangan: berakhir seperti disebut di bagian 7. Hapus lebih awal jika hukum memintanya.",
    ),
    decision_questions=(
        "Siswa sudah didengar:",
        "Orang tua sudah didengar:",
        "Pegawai atau wakilnya sudah didengar:",
        "Saran petugas pelindungan data:",
        "Otoritas sudah ditanya, jika risikonya tetap tinggi:",
        "Diputuskan oleh siapa, kapan, sampai kapan:",
        "Apa yang akan mengakhirinya:",
    ),
)
